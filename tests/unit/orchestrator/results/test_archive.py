import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from orchestrator.results.archive import Archive, ArchiveError, StoredArchive, open_log, write_whole
from orchestrator.results.exit_codes import BROKEN
from orchestrator.scenario.models import ROOT


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


def test_text_that_is_not_unicode_is_written_as_an_escape(tmp_path: Path) -> None:
    """A file's name need not be text, and is part of the command that runs a campaign again."""
    Archive(tmp_path).write_json("environment.json", {"command": "run \udcff.yaml"})
    assert r"run \udcff.yaml" in (tmp_path / "environment.json").read_text()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_nothing_is_written_into_stored_results_that_are_read_only(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    for name in ("open", "mkdir", "unlink"):
        monkeypatch.setattr(Path, name, refuse)
    archive = StoredArchive(tmp_path)
    assert not archive.is_read_only
    archive.folder("samples/single")
    archive.write("summary.json", "{}")
    assert archive.is_read_only
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ArchiveError, match=os.strerror(number)):
        Archive(tmp_path).write("summary.json", "{}")


def test_a_full_disk_is_no_read_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ArchiveError, match="No space left"):
        StoredArchive(tmp_path).write("summary.json", "new")


def test_a_large_file_is_written_by_a_function_whole_or_not_at_all(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "samples-000.npy", lambda file: file.write(b"\x93NUMPY"))
    assert path.read_bytes() == b"\x93NUMPY"

    def fail(file: BinaryIO) -> None:
        file.write(b"torn")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, fail)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"\x93NUMPY"]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_file_of_any_kind_appears_whole_or_not_at_all_and_the_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(ArchiveError, match=f"the disk of {tmp_path} is full") as raised:
        write_whole(tmp_path / "samples-000.npy", b"\x93NUMPY")
    assert raised.value.exit_code == BROKEN
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: write_whole(folder / "clients.json", "{}"),
        lambda folder: open_log(folder / "server.log"),
        lambda folder: Archive(folder).raw_folder("epoll"),
    ],
)
def test_a_folder_that_was_removed_is_named_and_not_made_again(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    folder = tmp_path / "gone"
    with pytest.raises(ArchiveError, match=f"the folder {folder}.* is not there, or gone"):
        write(folder)
    assert not folder.exists()


def test_a_pipe_or_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """Replaced, /dev/null would be a file from then on, for the whole machine."""
    pipe = tmp_path / "page.html"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, "page")
        assert pipe.is_fifo()
        assert os.read(reader, 100) == b"page"
    finally:
        os.close(reader)


def test_a_link_in_stored_results_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere, page = tmp_path / "elsewhere", tmp_path / "page.html"
    os.mkfifo(elsewhere)
    page.symlink_to(elsewhere)
    write_whole(page, "page")
    assert page.read_text() == "page"
    assert not page.is_symlink()


def test_only_the_one_writer_writes_results() -> None:
    """A file that is written in place is empty or cut if the disk is full."""
    writers = ("write_text(", "write_bytes(", 'open("w', 'open("a')
    found = {
        f"{path.name}: {line.strip()}"
        for package in ("execution", "campaign", "results", "analysis")
        for path in (ROOT / "orchestrator" / package).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if any(writer in line for writer in writers)
    }
    elsewhere = {"images.py", "defect.py"}  # a file of its own command; an error, if it can be
    assert {each for each in found if each.partition(":")[0] not in elsewhere} == {
        'archive.py: return path.open("ab")',
        'archive.py: with partial.open("wb") as file:',
    }
