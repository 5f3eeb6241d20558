"""``hosts`` prints what each engine says, every problem, and the exit code of both."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.cli import hosts
from orchestrator.cli.main import main
from orchestrator.execution.swarm.facts import HostFacts
from orchestrator.scenario.hosts import Hosts
from tests.unit.orchestrator.execution.swarm.facts_fixtures import MANAGER, WORKER

FILE = """\
hosts:
  first: {engine: "unix:///1.sock", runs: [server]}
  second: {context: laptop, labels: {rack: left}}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return a hosts file of two hosts."""
    path = tmp_path / "lab.hosts.yaml"
    path.write_text(FILE)
    return str(path)


def answer(monkeypatch: pytest.MonkeyPatch, *answering: HostFacts) -> None:
    """Let those hosts answer, and no other."""
    facts = {each.name: each for each in answering}

    @contextlib.contextmanager
    def connected(asked: Hosts) -> Iterator[tuple[list[SimpleNamespace], list[str]]]:
        silent = [f"{name}: no Docker engine answers" for name in asked.by_name.keys() - facts]
        yield [SimpleNamespace(name=name) for name in facts], silent

    monkeypatch.setattr(hosts, "connected_to_all", connected)
    monkeypatch.setattr(hosts, "read_facts", lambda engine: facts[engine.name])


def test_hosts_that_can_work_together(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, replace(MANAGER, images={"server-models-lab/a:x": "sha256:1"}), WORKER)
    assert main(["hosts", file]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "first: unix:///1.sock",
        "  engine 20.10.24, a manager of its swarm; may run server",
        "  2 cores, 3.0 GiB of memory; wall clock +0.0 ms from this machine's, within 1.0 ms",
        "  1 image of the lab",
        "second: context laptop",
        "  engine 20.10.24, a worker of its swarm; may run server and clients",
        "  2 cores, 3.0 GiB of memory; wall clock +0.0 ms from this machine's, within 1.0 ms",
        "  0 images of the lab; it lacks 1 that another host has",
        "  rack: left",
        "2 hosts: reachable, in one swarm, and alike in images",
    ]


def test_every_problem_is_printed_and_the_exit_code_is_that_of_broken_infrastructure(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, replace(MANAGER, swarm_state="inactive", members=None))
    assert main(["hosts", file]) == 3
    first, *_, silent, outside = capsys.readouterr().out.splitlines()
    assert first == "first: unix:///1.sock"
    assert silent == "problem: second: no Docker engine answers"
    assert outside.startswith("problem: first: its engine is in no swarm (inactive);")


class Reached:
    """A registry that all engines reach except those of the hosts ``missed``."""

    address = "far:5000/team"

    def __init__(self, *missed: str) -> None:
        self._missed = missed

    def problem_of(self, engine: SimpleNamespace) -> str:
        return f"{engine.name}: it does not reach it" if engine.name in self._missed else ""


def test_a_registry_that_every_engine_reaches_is_named(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, MANAGER, WORKER)
    monkeypatch.setattr(hosts, "registry_of", lambda _: Reached())
    assert main(["hosts", file]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "registry far:5000/team: answers the engine of each host",
        "2 hosts: reachable, in one swarm, and alike in images",
    ]


def test_an_engine_that_does_not_reach_the_registry_is_a_problem(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, MANAGER, WORKER)
    monkeypatch.setattr(hosts, "registry_of", lambda _: Reached("second"))
    assert main(["hosts", file]) == 3
    assert capsys.readouterr().out.splitlines()[-1] == "problem: second: it does not reach it"


def test_a_bad_file_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lab.hosts.yaml"
    path.write_text("hosts: {}\n")
    assert main(["hosts", str(path)]) == 2
    assert capsys.readouterr().err == f"{path}:1:8: hosts: 0 hosts; allowed: 1 to 100\n"
