"""Two runs on one page."""

from pathlib import Path

import pytest

from orchestrator.campaign.restore import RestoreError
from orchestrator.explore.beside import UnwrittenArchive, side_by_side
from tests.unit.orchestrator.campaign.stored_run_fixtures import store_campaign


def test_the_first_is_the_one_to_compare_with(tmp_path: Path) -> None:
    archive, _ = store_campaign(tmp_path)
    page = side_by_side([archive.path, archive.path])
    assert "<h2>Differences: B against A</h2>" in page


def test_what_is_not_complete_is_named(tmp_path: Path) -> None:
    with pytest.raises(RestoreError, match="does not hold complete results"):
        side_by_side([tmp_path, tmp_path])


def test_nothing_is_written(tmp_path: Path) -> None:
    archive = UnwrittenArchive(tmp_path)
    assert archive.write("samples/x", b"x") == tmp_path / "samples/x"
    assert archive.raw_folder("x") == tmp_path / "raw/x"
    assert list(tmp_path.iterdir()) == []
