"""A program that is told lines, by a command that stands for docker."""

from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.swarm.line_program import LineProgram
from tests.unit.orchestrator.execution.swarm.docker_fixtures import put_on_path

DOCKER = """#!/bin/sh
echo "$DOCKER_HOST $*"
while read -r word; do
    [ "$word" != stop ] || exit 1
    echo "did $word"
done
echo end > "$ENDED"
"""


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that the program writes at the end of its input."""
    put_on_path(DOCKER, tmp_path, monkeypatch)
    monkeypatch.setenv("ENDED", str(tmp_path / "ended"))
    return tmp_path / "ended"


def program() -> LineProgram:
    return LineProgram(["exec", "c0ffee"], {"DOCKER_HOST": "unix:///far"})


def test_it_answers_what_it_is_told_and_ends_with_its_input(ended: Path) -> None:
    found = program()
    found.send("this")
    found.read_until(lambda text: "did this\n" in text, 10.0)
    found.send("that")
    found.read_until(lambda text: "did that\n" in text, 10.0)
    found.close()
    assert found.printed == "unix:///far exec c0ffee\ndid this\ndid that\n"
    assert ended.read_text() == "end\n"


def test_an_answer_that_does_not_come_and_an_end_before_it_are_errors(ended: Path) -> None:
    found = program()
    with pytest.raises(BackendError, match=r"it did not answer within 0\.05 s"):
        found.read_until(lambda _: False, 0.05)
    found.send("stop")
    with pytest.raises(BackendError, match="it ended: unix:///far exec c0ffee"):
        found.read_until(lambda text: "did stop" in text, 10.0)
    found.send("too late")
    found.close()
    assert not ended.exists()
