import errno
import json
import os
from pathlib import Path

import pytest

from orchestrator.results.archive import Archive, ArchiveError


def test_a_campaign_has_a_folder_of_its_own(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "out", "quickstart", "1a2b3c4d")
    assert archive.path.parent == tmp_path / "out"
    assert archive.path.name.startswith("quickstart-")
    assert archive.path.name.endswith("-1a2b3c4d")
    archive.write_json("summary.json", {"a": 1})
    assert json.loads((archive.path / "summary.json").read_text()) == {"a": 1}


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ArchiveError, match="--out"):
        Archive.create(tmp_path / "out", "quickstart", "1a2b3c4d")


def test_a_full_disk_leaves_neither_a_partial_file_nor_loses_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(tmp_path)
    archive.write("summary.json", "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ArchiveError, match="No space left"):
        archive.write("summary.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
    assert (tmp_path / "summary.json").read_text() == "old"
