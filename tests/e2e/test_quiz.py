"""The quiz as a person sees it, in a terminal, and on the machine."""

import contextlib
import json
import os
import pty
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import ROOT
from orchestrator.quiz.generate import problem
from tests.e2e.lab_fixtures import Lab

pytestmark = pytest.mark.together

CTRL_C, CTRL_D = b"\x03", b"\x04"
SEED = 7
FIRST = problem(SEED, 1)


class Terminal:
    """A quiz in a terminal of its own."""

    def __init__(self, *options: str) -> None:
        self.pid, self._terminal = pty.fork()
        if not self.pid:
            os.chdir(ROOT)
            command = ["orchestrate.py", "quiz", "--seed", str(SEED), *options]
            os.execv(sys.executable, [sys.executable, *command])  # noqa: S606
        self._shown = b""

    @property
    def shown(self) -> str:
        """What was shown since the last answer; the terminal also shows what is typed."""
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    def wait_for(self, text: str) -> None:
        """Read until ``text`` is shown; a test that waits for what never comes is timed out."""
        while text not in self.shown:
            self._shown += os.read(self._terminal, 4_000)

    def answer(self, typed: bytes) -> None:
        """Type ``typed`` when a prompt is shown."""
        self.wait_for("\n> ")
        self._shown = b""
        os.write(self._terminal, typed)

    def end(self) -> int:
        """Read to the end, and return the exit code."""
        with contextlib.suppress(OSError):  # the other side of the terminal is closed
            while shown := os.read(self._terminal, 4_000):
                self._shown += shown
        os.close(self._terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = 0
        return code


@pytest.fixture
def quiz() -> Iterator[Terminal]:
    """Start a quiz without an end; kill it if it has not ended by itself."""
    terminal = Terminal()
    yield terminal
    if terminal.pid:
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.end()


def test_it_asks_grades_and_explains(quiz: Terminal) -> None:
    quiz.wait_for("Type an answer and Enter")
    assert "quiz --seed 7" in quiz.shown
    quiz.answer(b"\xff what?\n")
    quiz.wait_for("is no answer; write")
    quiz.answer(f"{FIRST.answer.right_text}\n".encode())
    quiz.wait_for("1 of 1 right.")
    assert "Right." in quiz.shown
    assert f"Solution: {FIRST.answer.right_text}" in quiz.shown
    quiz.answer(b"?\n")
    quiz.wait_for("1 of 2 right.")
    quiz.answer(b"q\n")
    assert quiz.end() == 0
    assert quiz.shown.rstrip().endswith("1 of 2 right.")


@pytest.mark.parametrize(("typed", "code"), [(CTRL_D, 0), (CTRL_C, 130), (b"q\n", 0)])
def test_it_can_be_ended_with_the_score_so_far(quiz: Terminal, typed: bytes, code: int) -> None:
    quiz.answer(b"?\n")
    quiz.answer(typed)
    assert quiz.end() == code
    assert quiz.shown.rstrip().endswith("0 of 1 right.")
    assert "Traceback" not in quiz.shown


@pytest.mark.slow
def test_the_machine_answers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Whether it agrees is the matter of ``make quiz``: here other tests may run beside."""
    lab = Lab(ROOT, tmp_path)
    ended = lab.orchestrate(
        "quiz", "--seed", str(SEED), "--count", "2", "--run", "--json",
        "--backend", "process", "--out", tmp_path,
    )  # fmt: skip
    found = json.loads(ended.out)
    assert ended.code in {0, 1, 4}, ended.err
    assert [each["machine"] is not None for each in found["problems"]] == [True, True]
    (folder,) = ended.results
    assert json.loads((folder / "quiz.json").read_text()) == found
    assert {path.name for path in (folder / "raw").iterdir()} == {
        f"{each['number']}-{each['kind']}" for each in found["problems"]
    }
    assert lab.left_processes() == []


@pytest.mark.slow
def test_an_interrupt_keeps_the_problems_that_were_answered(tmp_path: Path) -> None:
    lab = Lab(ROOT, tmp_path)
    ended = lab.interrupt(
        "problem 2: running", signal.SIGINT,
        "quiz", "--seed", str(SEED), "--run", "--accept-invalid",
        "--backend", "process", "--out", tmp_path,
    )  # fmt: skip
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.out + ended.err
    assert "Problem 1 (" in ended.out
    assert "of 1 problem, " in ended.out
    (folder,) = ended.results
    stored = json.loads((folder / "quiz.json").read_text())
    assert [each["number"] for each in stored["problems"]] == [1]
    assert lab.left_processes() == []
