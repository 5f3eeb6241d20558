"""Whatever the standard streams are, a command ends with its own exit code and no traceback.

Each program runs in a process of its own, since the streams are those of a whole process.
"""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.streams import Sink, Stream
from orchestrator.scenario.models import ROOT

PROLOGUE = "from orchestrator.cli.streams import guarded\nfrom orchestrator.cli.output import *\n"


def ended(
    program: str, redirection: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run ``program`` with guarded streams, by a shell with ``redirection``."""
    lines = [PROLOGUE, "with guarded():", *(f"    {line}" for line in program.splitlines())]
    return subprocess.run(
        ["bash", "-c", f'exec "$@" {redirection}', "-", sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT, capture_output=True, env=environment, check=False,
    )  # fmt: skip


MUCH = "print_out('x' * 100_000)\nsay('x' * 100_000)\nwrite_out('{}')\nraise SystemExit(4)"
FULL = b"orchestrate.py: standard output is incomplete: no space left on device\n"


@pytest.mark.parametrize(
    "redirection",
    [">/dev/full", ">&-", "2>&-", ">&- 2>&- <&-", "> >(:)", "2> >(:)", "2>/dev/full",
     ">/dev/full 2>&1"],
)  # fmt: skip
def test_output_that_cannot_be_written_changes_no_exit_code(redirection: str) -> None:
    found = ended(MUCH, redirection)
    assert found.returncode == 4
    assert b"Traceback" not in found.stderr
    assert (FULL in found.stderr) == (redirection == ">/dev/full")


def test_a_file_does_not_get_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """Otherwise everything printed would be written into it."""
    path = tmp_path / "results"
    ended(f"file = open({str(path)!r}, 'w')\nprint_out('printed')\nfile.close()", ">&-")
    assert path.read_text() == ""


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "ascii:strict"},
     {"LC_ALL": "C", "PYTHONUTF8": "0"}],
)  # fmt: skip
def test_characters_that_the_encoding_lacks_are_replaced(environment: dict[str, str]) -> None:
    found = ended("print_out('1 \\u00b5s')\nsay('\\u0393')", "", **environment)
    assert found.stdout == rb"1 \xb5s" + b"\n"
    assert found.stderr == rb"\u0393" + b"\n"


def test_json_is_utf8_in_every_locale() -> None:
    found = ended(r"write_out('\u0393 1 \u00b5s')", "", LC_ALL="C", PYTHONUTF8="0")
    assert (found.stdout, found.stderr) == ("Γ 1 µs".encode(), b"")


def test_a_terminal_that_is_gone_changes_no_exit_code() -> None:
    master, terminal = pty.openpty()
    os.close(master)
    stream = Stream(Sink(terminal), "utf-8")
    stream.write("printed to nobody\n")
    os.close(terminal)
    assert stream.sink.error is not None


def test_progress_is_dropped_if_its_reader_does_not_read() -> None:
    """A pipe that is full and never read must not hold up a run."""
    reading, writing = os.pipe()
    stream = Stream(Sink(writing, patience_s=0.01), "utf-8")
    for _ in range(10):
        stream.write("x" * 30_000 + "\n")
    os.close(reading)
    os.close(writing)


def test_a_reader_that_made_the_pipe_non_blocking_gets_everything() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    reader = subprocess.Popen(["wc", "-c"], stdin=reading, stdout=subprocess.PIPE)
    os.close(reading)
    Stream(Sink(writing), "utf-8").write("x" * 300_000 + "\n")
    os.close(writing)
    assert reader.communicate()[0].strip() == b"300001"


def test_a_command_in_a_text_is_not_obeyed_and_our_own_is() -> None:
    reading, writing = os.pipe()
    stream = Stream(Sink(writing), "utf-8")
    stream.write("::error::x\nand ##[error]y\n")
    stream.write_command("::warning::z")
    os.close(writing)
    with os.fdopen(reading) as written:
        lines = written.read().splitlines()
    assert lines == [r"\x3a:error::x", r"and #\x23[error]y", "::warning::z"]
