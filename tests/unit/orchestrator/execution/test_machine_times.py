"""The program that a host of a swarm runs, and how it finds the groups of containers."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.execution import machine_times
from orchestrator.execution.host import HostTimes
from orchestrator.execution.machine_times import READY, meters_of_ids, total_cpu_s

SERVER, CLIENT, GONE = "a" * 64, "b" * 64, "c" * 64
V1, V2 = "3000000000", "usage_usec 3000000\nuser_usec 1\n"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("group", "other", "file", "text"),
    [
        ("docker/{}", "docker/{}", "cpuacct/{}/cpuacct.usage", V1),
        ("lab-1/{}", "lab-2/{}", "cpu,cpuacct/{}/cpuacct.usage", V1),
        ("docker/{}", "docker/{}", "unified/{}/cpu.stat", V2),
        ("system.slice/docker-{}.scope", "own.slice/docker-{}.scope", "{}/cpu.stat", V2),
    ],
)
def test_groups_of_containers_are_found_wherever_their_engine_has_them(
    tmp_path: Path, group: str, other: str, file: str, text: str
) -> None:
    if file.startswith("{}"):
        (tmp_path / "cgroup.controllers").touch()
    write(tmp_path / file.format(group.format(SERVER)), text)
    write(tmp_path / file.format(other.format(CLIENT)), text)
    write(tmp_path / file.format(f"{group.format(SERVER)}/inner/{GONE}"), text)
    parts = {"server": [SERVER], "clients": [CLIENT, GONE], "proxy": []}
    meters = meters_of_ids(parts, tmp_path)
    assert [meter is not None for meter in meters["clients"]] == [True, False]
    assert total_cpu_s(meters) == {"server": 3.0, "clients": None, "proxy": 0}


def test_the_program_answers_each_line_with_the_totals_of_its_machine() -> None:
    """Its source runs alone, as on a host that does not have the lab."""
    command = [sys.executable, "-I", "-S", "-c", inspect.getsource(machine_times)]
    asked = f"{json.dumps({'server': [], 'clients': [GONE]})}\nnow\nnow\n"
    ended = subprocess.run(
        command, input=asked, capture_output=True, text=True, timeout=30, check=True, cwd="/"
    )
    ready, *answers = ended.stdout.splitlines()
    assert (ready, len(answers)) == (READY, 2)
    begun, later = (HostTimes.read(json.loads(answer)) for answer in answers)
    passed = later.since(begun)
    assert passed["machine_cpus"] == HostTimes.now().cpus.machine
    assert (passed["server_s"], passed["clients_s"]) == (0.0, None)
    assert all((passed[name] or 0.0) >= 0 for name in ("wall_s", "own_cpu_s", "steal_s"))


@pytest.mark.parametrize(
    "change", [{"at_s": None}, {"idle_s": "much"}, {"allowed_cpus": 3}, {"lab_s": []}]
)
def test_an_answer_of_another_form_is_refused(change: dict[str, object]) -> None:
    answer = {**machine_times.answer({}), **change}
    with pytest.raises((TypeError, ValueError, AttributeError)):
        HostTimes.read(answer)
