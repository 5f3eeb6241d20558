"""What nobody expected: one line for a person, and a file with the traceback.

An expected failure is a `LabError`. Any other exception is a defect of the lab, or a failure of the
machine that no code handles at its place, such as a lack of file descriptors or of memory. It is
not the verdict of a run: its exit code is that of a `LabError`.
"""

import contextlib
import errno
import os
import re
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from orchestrator.results.exit_codes import LabError

FILE = "error.txt"
MAX_CHARS = 300
_REMEDIES = {
    errno.EMFILE: "raise the limit: ulimit -n 4096",
    errno.ENFILE: "the whole system has no file descriptor left; end other programs",
    errno.ENOMEM: "free memory, or ask for a smaller load",
    errno.EAGAIN: "no process or thread is to be had; raise the limit: ulimit -u",
    errno.ENOSPC: "free space on that disk",
    errno.EDQUOT: "free space within your quota",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "check the permissions",
    errno.EPERM: "check the permissions",
}


class DefectError(LabError):
    """An exception that no code expects; the message names it and the file with its traceback."""

    @classmethod
    def of(cls, error: Exception, folder: Path | None = None) -> "DefectError":
        """Return the error to raise for ``error``; its traceback is stored in ``folder``.

        Without ``folder``, or if it is not writable, the file goes to the folder of temporary
        files.
        """
        stored = _store(error, folder)
        where = f"the traceback is in {stored}" if stored else "the traceback cannot be stored"
        return cls(f"{describe(error)}; {where}")


@contextlib.contextmanager
def traced(folder: Path | None = None) -> Iterator[None]:
    """Raise a `DefectError`, with the traceback in ``folder``, for any error not expected."""
    try:
        yield
    except LabError:
        raise
    except Exception as exc:
        raise DefectError.of(exc, folder) from exc


def describe(error: Exception) -> str:
    """Return ``error`` on one line: an error of the system by its meaning, others by their type."""
    if isinstance(error, OSError) and error.errno is not None:
        name = errno.errorcode.get(error.errno, str(error.errno))
        reason = f"{(error.strerror or 'unknown').lower()} ({name})"
        place = (
            f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        )
        remedy = f"; {_REMEDIES[error.errno]}" if error.errno in _REMEDIES else ""
        return f"the system failed: {reason}{place}{remedy}"
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return f"the system failed: no thread can be started; {_REMEDIES[errno.EAGAIN]}"
    if isinstance(error, MemoryError):
        return f"the system failed: out of memory; {_REMEDIES[errno.ENOMEM]}"
    message = re.sub(r"\s+", " ", str(error))[:MAX_CHARS]
    return f"unexpected {type(error).__name__}{': ' * bool(message)}{message}"


def _store(error: Exception, folder: Path | None) -> Path | None:
    """Store the traceback; return its path, None if it cannot be stored."""
    text = "".join(traceback.format_exception(error)).encode(errors="backslashreplace")
    try:
        if folder is not None:
            path = folder / FILE
            path.write_bytes(text)
            return path
    except OSError:
        pass  # the temporary folder is left
    try:
        descriptor, name = tempfile.mkstemp(prefix="orchestrate-", suffix=f"-{FILE}")
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
    except OSError:
        return None
    return Path(name)
