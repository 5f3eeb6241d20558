"""Links of containers, by a command that stands for docker and a program that only answers."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import PROJECT_LABEL
from orchestrator.execution.swarm import links
from orchestrator.execution.swarm.links import Link, Links
from tests.unit.orchestrator.execution.swarm.docker_fixtures import put_on_path

DOCKER = """#!/bin/sh
echo "$DOCKER_HOST $*" | head -n 1 >> "$CALLS"
echo "a warning of docker run"
[ -z "$BROKEN" ] || { echo "no such image" >&2; exit 125; }
echo ready
while read -r word; do echo "$word" >> "$CALLS"; [ -n "$SILENT" ] || echo "$word"; done
echo end >> "$CALLS"
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which the command writes how it was called and what it was told."""
    return put_on_path(DOCKER, tmp_path, monkeypatch)


def link() -> Link:
    container = SimpleNamespace(
        id="c0ffee", labels={PROJECT_LABEL: "lab-1"}, attrs={"Image": "sha256:1"}
    )
    return Link(container, "epoll", {"DOCKER_HOST": "unix:///far"})  # type: ignore[arg-type]


def test_links_are_cut_and_joined_by_programs_beside_their_containers(calls: Path) -> None:
    both = Links([link(), link()])
    both.wait_until_ready()
    assert both.cut() > 0
    both.join()
    both.close()
    lines = calls.read_text().splitlines()
    assert sorted(lines[2:]) == ["cut", "cut", "end", "end", "join", "join"]
    assert lines[0].startswith("unix:///far run --rm --interactive --read-only --cap-drop ALL")
    for words in (
        "--user 0:0 --cap-add NET_ADMIN --entrypoint python3",
        "--network container:c0ffee sha256:1",
        "--label com.docker.compose.project=lab-1 --label com.docker.stack.namespace=lab-1",
    ):
        assert words in lines[0]


def test_a_program_that_does_not_start_is_the_reason(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "1")
    one = Links([link()])
    with pytest.raises(BackendError, match=r"a container \(ready\): it ended: .* no such image"):
        one.wait_until_ready()
    with pytest.raises(BackendError, match=r"a container \(cut\): it ended"):
        one.cut()
    one.close()
    assert len(calls.read_text().splitlines()) == 1


def test_a_program_that_does_not_answer_is_not_waited_for(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENT", "1")
    monkeypatch.setattr(links, "ANSWER_DEADLINE_S", 0.05)
    one = Links([link()])
    one.wait_until_ready()
    with pytest.raises(BackendError, match=r"a container \(cut\): it did not answer within"):
        one.cut()
    one.close()
    assert calls.read_text().splitlines()[1:] == ["cut", "end"]
