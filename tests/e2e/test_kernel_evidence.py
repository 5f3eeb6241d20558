"""Kernel metrics of servers under load, from local processes and from within containers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.lab_fixtures import Ended, Lab, copy_checkout, edit

pytestmark = pytest.mark.together
"""Counts, and bounds on one side, which tests beside these do not change."""

BACKENDS = ["process", pytest.param("docker", marks=pytest.mark.docker)]

BACKLOG = """\
intent: Six connect at once to a server whose backlog holds one, or sixty-four. Who comes too late?
models: [single]
clients: [{executor: closed, users: 6, messages: 1, demand: sleep=300ms}]
matrix: {backlog: [1, 64]}
timeout: 60s
"""
POOLS = """\
intent: How many processes, threads and descriptors has each model, and what does a message cost?
models: [single, prefork, threaded, epoll]
server: {workers: 4, backlog: 512}
clients: [{executor: closed, users: 8, messages: 100, demand: cpu=2ms}]
timeout: 60s
expect:
  all:
    - context_switches_voluntary_per_message >= 0
    - cpu_user_per_message + cpu_system_per_message > 1ms
    - descriptors >= descriptors_last
    - memory_pss > 1MB
    - accept_queue_depth <= users
    - throttled == 0
  single: [processes == 1, threads == 1]
  prefork: [processes == workers + 1, threads == workers + 1]
  threaded: [processes == 1, threads == workers + 1]
  epoll: [processes == 1, threads == 1]
"""
CROWD = """\
intent: What does an idle connection cost a loop?
models: [epoll]
server: {backlog: 1024}
clients: [{executor: closed, users: 400, messages: 2, demand: sleep=1500ms}]
timeout: 60s
"""
SLICED = """\
intent: Is a server that may use a fifth of a CPU throttled?
models: [single]
limits: {cpus: 0.2}
clients: [{executor: closed, users: 1, messages: 20, demand: cpu=20ms}]
timeout: 60s
"""


def run(lab: Lab, tmp_path: Path, scenario: str, backend: str) -> Ended:
    path = tmp_path / "scenario.yaml"
    path.write_text(scenario)
    return lab.run(path, "--backend", backend)


def measures(ended: Ended, case: str) -> dict[str, Any]:
    found: dict[str, Any] = ended.case(case)["measures"]
    return found


@pytest.mark.parametrize("backend", BACKENDS)
def test_processes_and_threads_match_the_model(lab: Lab, tmp_path: Path, backend: str) -> None:
    ended = run(lab, tmp_path, POOLS, backend)
    assert ended.code == 0, ended.out + ended.err
    for case in ended.summary["cases"]:
        assert [note for note in case["notes"] if "whole host" not in note] == []
        assert bool(case["notes"]) == (backend == "process")
    assert measures(ended, "epoll")["descriptors"] > measures(ended, "single")["descriptors_last"]


@pytest.mark.docker
def test_a_backlog_overflow_is_counted_by_the_kernel(lab: Lab, tmp_path: Path) -> None:
    """In the container's own network, where no other connections count."""
    ended = run(lab, tmp_path, BACKLOG, "docker")
    assert ended.code == 0, ended.out + ended.err
    small, large = measures(ended, "single,backlog=1"), measures(ended, "single,backlog=64")
    assert small["listen_overflows"] > 0
    assert small["listen_drops"] >= small["listen_overflows"]
    assert (large["listen_overflows"], large["listen_drops"]) == (0, 0)
    assert small["accept_queue_depth"] <= 2 < large["accept_queue_depth"] <= 5
    (folder,) = ended.results
    slug = ended.case("single,backlog=64")["runs"][0]["slug"]
    queue = np.load(folder / "samples" / slug / "accept_queue.npy")
    assert (np.diff(queue["at_ns"].astype(np.int64)) > 0).all()
    assert set(queue["limit"][queue["limit"] > 0]) == {64}
    assert queue["length"].max() == large["accept_queue_depth"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_memory_per_connection_is_measured(lab: Lab, tmp_path: Path, backend: str) -> None:
    ended = run(lab, tmp_path, CROWD, backend)
    assert ended.code == 0, ended.out + ended.err
    found = measures(ended, "epoll")
    assert found["descriptors"] > 400
    assert 0 < found["memory_per_connection_bytes"] < 100_000


@pytest.mark.docker
def test_throttling_is_measured(lab: Lab, tmp_path: Path) -> None:
    ended = run(lab, tmp_path, SLICED, "docker")
    assert ended.code == 0, ended.out + ended.err
    found = measures(ended, "single")
    assert 0 < found["throttled"] <= 1
    assert found["throttled_time_s"] > 0


@pytest.mark.docker
def test_the_probe_ends_with_a_killed_server_and_this_is_reported(lab: Lab, tmp_path: Path) -> None:
    killed = """\
intent: What is known of a server that was killed?
models: [single]
clients: [{executor: closed, users: 1, messages: 100, demand: sleep=50ms}]
faults: [{at: 1s, fault: kill}]
timeout: 20s
"""
    ended = run(lab, tmp_path, killed, "docker")
    (note,) = ended.case("single")["notes"]
    assert "cut off" in note
    assert measures(ended, "single")["processes"] == 1


@pytest.mark.docker
def test_a_cpu_quota_outside_the_scenario_ends_the_run(tmp_path: Path) -> None:
    """As with a forgotten change of compose.yaml; the checkout's `.env` has no effect."""
    lab = Lab(copy_checkout(tmp_path / "copy"), tmp_path / "results")
    with (lab.checkout / ".env").open("a") as env:
        env.write("LAB_CPUS=0.3\n")
    edit(lab.checkout / "compose.yaml", lambda text: text.replace("LAB_CPUS:-0}", "LAB_CPUS:-0.2}"))
    path = tmp_path / "scenario.yaml"
    path.write_text(SLICED.replace("limits: {cpus: 0.2}\n", ""))
    ended = lab.orchestrate(path, "--backend", "docker", "--out", lab.out)
    assert ended.code == 3, ended.out + ended.err
    assert "single: no limit requested, 0.2 CPUs found" in ended.out


def test_every_sample_is_stored_as_received(lab: Lab, tmp_path: Path) -> None:
    ended = run(lab, tmp_path, BACKLOG.replace("[1, 64]", "[64]"), "process")
    (folder,) = ended.results
    case = ended.summary["cases"][0]
    lines = (folder / "raw" / case["slug"] / "kernel.ndjson").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert (events[0], events[1], events[-2], events[-1]) == ("begun", "looked", "looked", "ended")
    again = lab.orchestrate("report", folder)
    assert again.summary == ended.summary
