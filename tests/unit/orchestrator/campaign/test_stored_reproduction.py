"""A stored reproduction is read again."""

from pathlib import Path

import pytest

from orchestrator.campaign.restore import RestoreError
from orchestrator.campaign.stored_reproduction import is_reproduction, read_reproduction
from orchestrator.report.publish import publish_reproduction
from orchestrator.results.archive import Archive
from orchestrator.results.reproduction import REPRODUCTION
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import reproduction


def test_what_was_published_is_read(tmp_path: Path) -> None:
    assert not is_reproduction(tmp_path)
    publish_reproduction(reproduction(), Archive(tmp_path))
    assert is_reproduction(tmp_path)
    assert read_reproduction(tmp_path) == reproduction()
    assert {path.name for path in tmp_path.iterdir()} == {
        REPRODUCTION, "junit.xml", "claims.md", "report.html",
    }  # fmt: skip


def test_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / REPRODUCTION).write_text('{"schema_version": 99}')
    with pytest.raises(RestoreError, match="incompatible version"):
        read_reproduction(tmp_path)
    with pytest.raises(RestoreError, match="cannot be read"):
        read_reproduction(tmp_path / "none")
