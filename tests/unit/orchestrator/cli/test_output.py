"""Results go to standard output, messages to standard error; a closed pipe is no failure."""

import os
import subprocess
import sys

import pytest

from orchestrator.cli.output import say, write_out
from orchestrator.scenario.models import ROOT


def test_messages_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("one line")
    assert capsys.readouterr() == ("", "one line\n")


def ended(program: str, stdout: int, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", f"from orchestrator.cli.output import *\n{program}"],
        cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, env=environment, check=False,
    )  # fmt: skip


def test_output_is_utf8_in_every_locale() -> None:
    found = ended(r"write_out('\u0393 1 \u00b5s')", subprocess.PIPE, LC_ALL="C", PYTHONUTF8="0")
    assert (found.stdout, found.stderr) == ("Γ 1 µs".encode(), b"")


def test_a_reader_that_has_left_changes_no_exit_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        program = "write_out('x' * 100_000)\nwrite_out('more')\nprint('more')\nraise SystemExit(4)"
        found = ended(program, writing)
    finally:
        os.close(writing)
    assert (found.returncode, found.stderr) == (4, b"")


def test_text_is_written_as_it_is(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_out("a\nb")
    assert capfdbinary.readouterr().out == b"a\nb"
