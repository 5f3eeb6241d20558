"""``orchestrate.py hosts`` with the engines of a swarm."""

from pathlib import Path

import pytest

from tests.e2e.lab_fixtures import Lab
from tests.e2e.swarm.swarm_fixtures import Swarm

pytestmark = pytest.mark.docker


def test_the_hosts_of_a_swarm_can_work_together(lab: Lab, swarm: Swarm) -> None:
    ended = lab.orchestrate("hosts", swarm.hosts_file)
    assert ended.code == 0, ended.out + ended.err
    lines = ended.out.splitlines()
    assert lines[0] == f"first: unix://{swarm.folder}/1/docker.sock"
    assert "a manager of its swarm; may run server" in ended.out
    assert "a worker of its swarm; may run clients" in ended.out
    assert lines[-1] == "2 hosts: reachable, in one swarm, and alike in images"


def test_a_host_without_an_engine_and_one_of_no_swarm_are_named(
    lab: Lab, swarm: Swarm, tmp_path: Path, engine_address: str
) -> None:
    file = tmp_path / "more.hosts.yaml"
    file.write_text(
        swarm.hosts_file.read_text()
        + f"  main:\n    engine: {engine_address}\n"
        + "  gone:\n    engine: unix:///nowhere.sock\n"
    )
    ended = lab.orchestrate("hosts", file)
    assert ended.code == 3
    problems = [line for line in ended.out.splitlines() if line.startswith("problem: ")]
    assert problems[0] == (
        "problem: gone: no Docker engine answers at unix:///nowhere.sock "
        "(no such file or directory)"
    )
    assert problems[1].startswith("problem: main: its engine is in no swarm (inactive);")
    assert len(problems) == 2
