"""Scenarios on the two hosts of a swarm: the same verdicts, and nothing left on either."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.program_log import wait_for
from tests.e2e.lab_fixtures import Lab
from tests.e2e.swarm.swarm_fixtures import (
    AHEAD_S,
    GONE_DEADLINE_S,
    Swarm,
    nothing_is_left,
    parts,
    started,
)

pytestmark = pytest.mark.docker
BOUND_S = 90.0
LAST_CPU = (os.cpu_count() or 1) - 1

SMALL = """\
intent: Do two hosts give the verdicts of one?
models: [epoll]
clients: [{executor: closed, users: 3, messages: 2, demand: sleep=100ms, replicas: 3}]
expect:
  epoll: ["makespan ~= messages * service_time within 30%", "peak_in_service == users"]
  all: ["failed == 0", "acked == users * messages"]
"""
FAULTY = """\
intent: Do faults reach the server on another host?
models: [prefork]
server: {workers: 2}
clients:
  - {executor: closed, users: 4, messages: 20, demand: sleep=50ms, replicas: 2}
faults:
  - {at: 200ms, fault: pause, lasts: 300ms}
  - {at: 800ms, fault: kill-worker, worker: 1}
  - {at: 1s, fault: latency, lasts: 300ms, attributes: {latency: 20ms}}
  - {at: 1500ms, fault: fill-backlog, lasts: 300ms}
"""
PLACED = """\
intent: Is each group on its host?
models: [epoll]
clients:
  - {name: far, executor: closed, users: 2, messages: 2, replicas: 2, place: {host: second}}
  - {name: near, executor: closed, users: 1, messages: 2, place: {host: first}}
  - {name: any, executor: closed, users: 1, messages: 2}
server: {service_time: 50ms}
"""
CUT_OFF = """\
intent: Does a host that is cut off for half a second lose a message?
models: [epoll]
clients:
  - {name: far, executor: closed, users: 2, messages: 40, demand: sleep=20ms, replicas: 2,
     place: {host: second}}
  - {name: near, executor: closed, users: 1, messages: 40, demand: sleep=20ms, place: {host: first}}
faults: [{at: 300ms, fault: disconnect-host, host: second, lasts: 500ms}]
expect:
  all: [failed == 0, far.response_time_max > 400ms]
"""
SERVER_CUT_OFF = """\
intent: Does a server that is cut off for half a second lose a message?
models: [epoll]
clients: [{executor: closed, users: 2, messages: 40, demand: sleep=20ms}]
faults: [{at: 300ms, fault: disconnect, lasts: 500ms}]
expect:
  all: [failed == 0, response_time_max > 400ms]
"""
ENDLESS = """\
intent: This run is interrupted.
models: [epoll]
clients: [{executor: closed, users: 2, messages: 1000, demand: sleep=50ms, replicas: 2}]
"""
LIMITED = f"""\
intent: Are the limits in effect on both hosts?
models: [epoll]
limits: {{memory: 64MiB, cpuset: 0, client_cpuset: {LAST_CPU}}}
clients: [{{executor: closed, users: 2, messages: 1000, demand: sleep=50ms, replicas: 2}}]
"""
AFFINITY = """\
import os
pids = [1, *map(int, open("/proc/1/task/1/children").read().split())]
print(*{cpu for pid in pids for cpu in os.sched_getaffinity(pid)})
"""
"""The probe is among the processes of the server, but not of its container."""


def write(folder: Path, scenario: str) -> Path:
    path = folder / "on_hosts.yaml"
    path.write_text(scenario)
    return path


def place(swarm: Swarm) -> list[str]:
    return ["--backend", "swarm", "--hosts", str(swarm.hosts_file)]


def with_clients_on_both(swarm: Swarm, folder: Path) -> list[str]:
    """Return the options for hosts of which the first may run clients, too."""
    both = folder / "both.hosts.yaml"
    both.write_text(swarm.hosts_file.read_text().replace("[server]", "[server, clients]"))
    return ["--backend", "swarm", "--hosts", str(both)]


def test_two_hosts_give_the_verdicts_of_one(lab: Lab, swarm: Swarm, tmp_path: Path) -> None:
    ended = lab.run(write(tmp_path, SMALL), *place(swarm))
    assert ended.code == 0, ended.out + ended.err
    assert f"backend: swarm (2 hosts of {swarm.hosts_file})" in ended.err
    (folder,) = ended.results
    (raw,) = folder.glob("raw/*")
    nodes = json.loads((raw / "stack.json").read_text())["services"]
    at = {name: each["deploy"]["placement"]["constraints"] for name, each in nodes.items()}
    assert at["client-1"] == at["client-2"] == at["client-3"] == at["conductor"]
    assert at["epoll"] != at["client-1"]
    environment = json.loads((folder / "environment.json").read_text())
    assert set(environment["backend"]["hosts"]) == {"first", "second"}
    assert nothing_is_left(swarm)


def test_an_interrupt_leaves_nothing_on_any_host(lab: Lab, swarm: Swarm, tmp_path: Path) -> None:
    ended = lab.interrupt(
        "under load", signal.SIGINT, write(tmp_path, ENDLESS), *place(swarm), "--out", lab.out
    )
    assert ended.code == 130, ended.err
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_a_group_runs_on_the_host_on_which_it_is_placed(
    lab: Lab, swarm: Swarm, tmp_path: Path
) -> None:
    ended = lab.run(write(tmp_path, PLACED), *with_clients_on_both(swarm, tmp_path))
    (raw,) = ended.results[0].glob("raw/*")
    services = json.loads((raw / "stack.json").read_text())["services"]
    node = {name: each["deploy"]["placement"]["constraints"] for name, each in services.items()}
    replicas = json.loads((raw / "clients.json").read_text())["replicas"]
    containers = {each["program"]: each["group"] for each in replicas}
    nodes = {
        (group, *node[f"client-{int(program[-3:]) + 1}"]) for program, group in containers.items()
    }
    first, second = node["epoll"][0], node["client-1"][0]
    assert first != second
    assert nodes == {("far", second), ("near", first), ("any", second)}
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_an_encrypted_network_carries_the_load_or_the_kernel_is_named(
    lab: Lab, swarm: Swarm, tmp_path: Path
) -> None:
    """Not every kernel has ESP; the engine makes the network nevertheless, and it carries none."""
    hosts = tmp_path / "encrypted.hosts.yaml"
    hosts.write_text(f"encrypted: true\n{swarm.hosts_file.read_text()}")
    options = ["--backend", "swarm", "--hosts", str(hosts), "--accept-invalid"]
    ended = lab.orchestrate(write(tmp_path, SMALL), *options, "--out", lab.out)
    assert ended.code == 0 or (ended.code == 3 and "have ESP (modprobe esp4)" in ended.out)
    (stack,) = ended.results[0].glob("raw/*/stack.json")
    swarm.docker(1, "stack", "deploy", "--compose-file", str(stack), "again")
    try:
        options_of = ("network", "inspect", "--format", "{{json .Options}}", "again_default")
        assert json.loads(swarm.docker(1, *options_of))["encrypted"] == ""
    finally:
        swarm.docker(1, "stack", "rm", "again")
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
@pytest.mark.parametrize("scenario", [CUT_OFF, SERVER_CUT_OFF], ids=["clients", "server"])
def test_a_link_that_is_cut_and_joined_loses_no_message(
    lab: Lab, swarm: Swarm, tmp_path: Path, scenario: str
) -> None:
    place = with_clients_on_both(swarm, tmp_path)
    ended = lab.run(write(tmp_path, scenario), *place)
    assert ended.code == 0, ended.out + ended.err
    (case,) = ended.summary["cases"]
    (fault,) = case["runs"][0]["faults"]
    assert fault["error"] == ""
    assert fault["reverted_s"] - fault["effect_s"] >= 0.5
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_limits_are_in_effect_on_the_hosts_under_load(
    lab: Lab, swarm: Swarm, tmp_path: Path
) -> None:
    scenario = write(tmp_path, LIMITED)

    def inside(number: int, service: str, *words: str) -> list[str]:
        found = ("ps", "--quiet", "--filter", f"label=com.docker.compose.service={service}")
        containers = swarm.docker(number, *found).decode().split()
        return [swarm.docker(number, *words[:1], each, *words[1:]).decode() for each in containers]

    with lab.running("under load", scenario, *place(swarm), "--out", lab.out) as process:
        asked = ("exec", "python3", "-c", AFFINITY)
        (of_server,), of_clients = inside(1, "epoll", *asked), inside(2, "client", *asked)
        (limits,) = inside(1, "epoll", "inspect", "--format", "{{json .HostConfig}}")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=BOUND_S)
    assert of_server.split() == ["0"]
    assert [each.split() for each in of_clients] == [[str(LAST_CPU)]] * 2
    assert json.loads(limits)["Memory"] == 64 << 20
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_what_is_kept_has_a_server_again_until_it_is_removed(
    lab: Lab, swarm: Swarm, tmp_path: Path
) -> None:
    ended = lab.run(write(tmp_path, SMALL), *place(swarm), "--keep")
    (command,) = [line for line in ended.err.splitlines() if "is kept; to remove:" in line]
    up = ("ps", "--filter", "label=com.docker.compose.service=epoll", "--quiet")
    assert wait_for(lambda: swarm.docker(1, *up), GONE_DEADLINE_S)
    lab.orchestrate(*command.partition("orchestrate.py ")[2].split())
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_faults_reach_the_server_s_host(lab: Lab, swarm: Swarm, tmp_path: Path) -> None:
    options = [*place(swarm), "--accept-invalid", "--out", str(lab.out)]
    ended = lab.orchestrate(write(tmp_path, FAULTY), *options)
    (case,) = ended.summary["cases"]
    (run,) = case["runs"]
    assert [fault["error"] for fault in run["faults"]] == [""] * 4
    assert all(fault["effect_s"] is not None for fault in run["faults"])
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_clean_removes_from_all_hosts_what_a_killed_run_left(
    lab: Lab, swarm: Swarm, tmp_path: Path
) -> None:
    scenario = write(tmp_path, ENDLESS)
    with lab.running("under load", scenario, *place(swarm), "--out", lab.out) as process:
        process.kill()
        process.communicate()
        assert parts(swarm)
    lab.orchestrate("clean", "--hosts", swarm.hosts_file)
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_a_host_that_loses_power_ends_the_run_in_bounded_time(
    lab: Lab, engine: Engine, tmp_path: Path
) -> None:
    assert engine.answers()
    scenario = write(tmp_path, ENDLESS)
    with started(tmp_path / "s") as swarm:
        options = [*place(swarm), "--out", str(lab.out)]
        with lab.running("under load", scenario, *options) as process:
            swarm.script("kill", "2")
            out, err = process.communicate(timeout=BOUND_S)
        assert process.returncode == 3, out + err
        cause = "the Docker engine of second does not answer; so the conductor"
        assert f"broken after 0 of 1 case: {cause}" in out
        assert f"--hosts {swarm.hosts_file}" in err
        cleaned = lab.orchestrate("clean", "--hosts", swarm.hosts_file)
        assert "not checked: second: no Docker engine answers" in cleaned.err
        assert swarm.docker(1, "ps", "--all", "--quiet") == b""
        assert swarm.docker(1, "service", "ls", "--quiet") == b""


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_a_cut_link_ends_the_run_at_its_timeout_and_names_what_has_no_answer(
    lab: Lab, swarm: Swarm, tmp_path: Path
) -> None:
    scenario = write(tmp_path, f"timeout: 5s\n{ENDLESS}")
    options = [*place(swarm), "--accept-invalid", "--out", str(lab.out)]
    with lab.running("under load", scenario, *options) as process:
        swarm.script("cut")
        try:
            out, err = process.communicate(timeout=BOUND_S)
        finally:
            swarm.script("join")
    assert process.returncode == 1, out + err
    assert "timed out" in out
    assert nothing_is_left(swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_the_quickstart_holds_on_two_hosts(lab: Lab, swarm: Swarm) -> None:
    ended = lab.run("scenarios/quickstart.yaml", *place(swarm))
    assert ended.code == 0, ended.out


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_clocks_that_are_a_day_apart_give_the_verdicts_of_one(
    lab: Lab, ahead_swarm: Swarm, tmp_path: Path
) -> None:
    """The estimate of the offset holds the truth, within the bound that it states."""
    ended = lab.run(write(tmp_path, SMALL), *place(ahead_swarm))
    assert ended.code == 0, ended.out
    found = re.search(r"clock was (-?[0-9.]+) s ahead (?s:.)*within\s+±([0-9]+)\s+us", ended.out)
    assert found, ended.out
    assert abs(float(found[1]) + AHEAD_S) <= float(found[2]) / 1e6
    assert nothing_is_left(ahead_swarm)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_faults_reach_a_server_whose_clock_is_a_day_ahead(
    lab: Lab, ahead_swarm: Swarm, tmp_path: Path
) -> None:
    swapped = tmp_path / "swapped.hosts.yaml"
    first, second = ahead_swarm.hosts_file.read_text().split("  second:")
    server, clients = "runs: [server]", "runs: [clients]"
    swapped.write_text(
        first.replace(server, clients) + "  second:" + second.replace(clients, server)
    )
    options = ["--backend", "swarm", "--hosts", str(swapped), "--accept-invalid"]
    ended = lab.orchestrate(write(tmp_path, FAULTY), *options, "--out", str(lab.out))
    (case,) = ended.summary["cases"]
    (run,) = case["runs"]
    assert [fault["error"] for fault in run["faults"]] == [""] * 4
    for fault, due_s in zip(run["faults"], (0.2, 0.8, 1.0, 1.5), strict=True):
        assert due_s <= fault["effect_s"] < due_s + 5.0
    assert not [doubt for doubt in case["invalid"] if "toxic" in doubt]
    assert nothing_is_left(ahead_swarm)
