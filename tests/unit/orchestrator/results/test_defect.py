"""An exception that no code expects is one line, and its traceback a file."""

import errno
import tempfile
from pathlib import Path

import pytest

from orchestrator.results.defect import DefectError, describe, traced
from orchestrator.results.exit_codes import BROKEN, MisuseError


def test_the_traceback_is_stored_in_the_results(tmp_path: Path) -> None:
    with pytest.raises(DefectError) as raised, traced(tmp_path):
        raise KeyError("no such key")
    stored = (tmp_path / "error.txt").read_text()
    assert "Traceback" in stored
    assert "KeyError: 'no such key'" in stored
    assert str(raised.value) == (
        f"unexpected KeyError: 'no such key'; the traceback is in {tmp_path}/error.txt"
    )
    assert raised.value.exit_code == BROKEN


def test_without_results_it_is_a_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(DefectError, match="unexpected ValueError"), traced(tmp_path / "nowhere"):
        raise ValueError
    (stored,) = tmp_path.iterdir()
    assert "ValueError" in stored.read_text()


def test_a_disk_on_which_nothing_can_be_stored_hides_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(DefectError, match="cannot be stored"), traced():
        raise ValueError("\ud800")


def test_an_expected_error_stays_what_it_is() -> None:
    with pytest.raises(MisuseError, match=r"^no such run$"), traced():
        raise MisuseError("no such run")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            RuntimeError("can't start new thread"),
            "the system failed: no thread can be started; no process or thread is to be had; "
            "raise the limit: ulimit -u",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/results/a"),
            "the system failed: no space left on device (ENOSPC): /results/a; "
            "free space on that disk",
        ),
        (
            OSError(errno.ECHILD, "No child processes"),
            "the system failed: no child processes (ECHILD)",
        ),
        (OSError("timed out"), "unexpected OSError: timed out"),
        (RecursionError("maximum\n depth"), "unexpected RecursionError: maximum depth"),
        (ValueError("x" * 1000), "unexpected ValueError: " + "x" * 300),
    ],
)  # fmt: skip
def test_an_error_is_one_line(error: Exception, line: str) -> None:
    assert describe(error) == line
