"""The results folder of one campaign: ``results/<scenario>-<UTC time>-<id>/``.

Every file is written completely or not at all. The files of a broken or interrupted campaign stay.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias

from orchestrator.results.exit_codes import LabError
from orchestrator.results.strict_json import to_json

SERVER_LOG = "server.log"
CLIENTS = "clients.json"
CASE = "case.json"
KERNEL = "kernel.ndjson"
TRACE = "trace.json.gz"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
DEV = Path("/dev")
Content: TypeAlias = str | bytes | Callable[[BinaryIO], object]
"""What a file is to contain; if it is large, a function that writes it bit by bit."""
READ_ONLY_ERRORS = {errno.EROFS, errno.EACCES, errno.EPERM}


class ArchiveError(LabError):
    """The results cannot be written; the message has the path and the reason."""

    @classmethod
    def of(cls, path: Path, error: OSError) -> "ArchiveError":
        """Return the error to raise for ``error``, which occurred at ``path``."""
        remedy = "choose another folder with --out"
        if error.errno in FULL:
            why = f"the disk of {path.parent} is full ({error.strerror})"
            remedy = f"free some space there, or {remedy}"
        elif error.errno == errno.ENOENT:
            why = f"the folder {path.parent} is not there, or gone ({error.strerror})"
            remedy = "let it stay until the end, or choose another folder with --out"
        else:
            why = f"{error.strerror}"
        return cls(f"cannot write {path}: {why}; {remedy}")


def write_whole(path: Path, content: Content) -> Path:
    """Write a file of the results so that it appears whole or not at all; return its path.

    It is on the disk before it has its name, so that a crash leaves no empty file either. What is
    no file, such as /dev/stdout or a named pipe, is written to and never replaced.

    Raises:
        ArchiveError: the disk is full, or the folder is gone or not writable.
    """
    partial = path.with_name(path.name + ".partial")
    is_stream = False
    try:
        is_stream = _is_stream(path)
        partial = path if is_stream else partial
        with partial.open("wb") as file:
            _write_to(file, content)
            if not is_stream:
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, path)  # noqa: PTH105 the atomic one; a stream stays
    except BaseException as exc:
        if not is_stream:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        if isinstance(exc, OSError):
            raise ArchiveError.of(path, exc) from exc
        raise
    return path


def _write_to(file: BinaryIO, content: Content) -> None:
    if callable(content):
        content(file)
    else:
        file.write(_encoded(content) if isinstance(content, str) else content)


def _is_stream(path: Path) -> bool:
    """Whether ``path`` itself is a pipe or a device; a link out of the results is no stream."""
    with contextlib.suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        is_of_dev = DEV in path.absolute().parents and not stat.S_ISDIR(mode)
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or is_of_dev
    return False


def open_log(path: Path) -> BinaryIO:
    """Open a log that a program continues as it runs.

    Raises:
        ArchiveError: the disk is full, or the folder is gone or not writable.
    """
    try:
        return path.open("ab")
    except OSError as exc:
        raise ArchiveError.of(path, exc) from exc


class Archive:
    """Writes into the folder of one campaign only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, out: Path, scenario: str, campaign_id: str, inner: str = "raw") -> "Archive":
        """Create the campaign's folder under ``out``, with the folder ``inner`` in it.

        Raises:
            ArchiveError: it cannot be created.
        """
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        archive = cls(out / f"{scenario}-{now}-{campaign_id}")
        _make(archive.path / inner)
        return archive

    def raw_folder(self, slug: str) -> Path:
        """Return the folder of a run's raw logs and tables; create it if it is missing."""
        return self.folder(f"raw/{slug}")

    def folder(self, name: str) -> Path:
        """Return a folder of the results; create it if it is missing.

        Raises:
            ArchiveError: it cannot be created, or the campaign's folder is gone.
        """
        if not self.path.is_dir():  # a new one would lack what the earlier cases have left
            raise ArchiveError.of(
                self.path / name, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            )
        return _make(self.path / name)

    def write(self, name: str, content: Content) -> Path:
        """Write one file, atomically.

        Raises:
            ArchiveError: the disk is full or the folder not writable; no partial file is left.
        """
        return write_whole(self.path / name, content)

    def write_json(self, name: str, value: Mapping[str, object]) -> Path:
        """Write ``value`` as indented JSON."""
        return self.write(name, to_json(value, indent=2) + "\n")


def _make(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ArchiveError.of(folder, exc) from exc
    return folder


def _encoded(text: str) -> bytes:
    """Return ``text`` as UTF-8; a byte of a file's name that is not text becomes an escape."""
    return text.encode(errors="backslashreplace")


class StoredArchive(Archive):
    """The folder of a campaign that has ended; if it is read-only, nothing is written into it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.is_read_only = False

    def folder(self, name: str) -> Path:
        """Return a folder of the results; create it if it is missing and the results writable."""
        with self._writing():
            super().folder(name)
        return self.path / name

    def write(self, name: str, content: Content) -> Path:
        """Write one file, atomically, unless the folder is read-only."""
        with self._writing():
            super().write(name, content)
        return self.path / name

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except ArchiveError as exc:
            cause = exc.__cause__
            if not isinstance(cause, OSError) or cause.errno not in READ_ONLY_ERRORS:
                raise
            self.is_read_only = True
