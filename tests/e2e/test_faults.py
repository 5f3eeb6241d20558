"""Faults on a timeline, on local processes and on containers; each is undone.

Those marked `together` have bounds far from what tests beside them may change.
"""

import signal
from pathlib import Path

import pytest

from tests.e2e.lab_fixtures import Lab

MIGRATES = Path("/proc/sys/net/ipv4/tcp_migrate_req")
BACKENDS = ["process", pytest.param("docker", marks=pytest.mark.docker)]

RESTARTED_ON = [
    ("process", "prefork"),
    pytest.param("docker", "epoll", marks=pytest.mark.docker),  # make faults runs each model
]

PAUSED = """\
intent: Does a standstill show, and pass?
models: [prefork, epoll]
clients: [{executor: open, rate: 100/s, duration: 1500ms, connections: each, demand: sleep=1ms}]
server: {workers: 4}
faults: [{at: 400ms, fault: pause, lasts: 500ms}]
expect:
  all:
    - acked == 150
    - response_time_max > 400ms
    - during.throughput < 0.5 * before.throughput
    - recovery_time < 1s
"""

KILLED = """\
intent: What does a killed worker take with it, what do replaced ones, and a killed server?
models: [prefork]
clients:
  - {executor: open, rate: 100/s, duration: 1500ms, connections: each, demand: sleep=5ms,
     connect_timeout: 500ms}    # at a stopped container's address a SYN is lost, not refused
server: {workers: 4}
faults:
  - {at: 400ms, fault: kill-worker, worker: 2}
  - {at: 650ms, fault: reload}
  - {at: 1s, fault: kill}
expect:
  all:
    - server_exit_code != 0
    - timed_out <= 60
    - errors > 0
    - before.failed == 0
    - workers_replaced == workers
    - after.acked == 0
    - after.failed + unsent > 10
    - acked + failed + in_flight + unsent == 150
"""

CLOSED = """\
intent: What becomes of a queue whose listener closes?
models: [reuseport]
limits: {sysctls: {net.ipv4.tcp_migrate_req: MIGRATES}}
clients: [{executor: closed, users: 80, messages: 4, demand: sleep=10ms}]
server: {workers: 4}
faults: [{at: 150ms, fault: kill-worker, worker: 1}]
expect:
  all:
    - errors - accept_queue_reset <= 1    # the connection in service
    - accept_queue_reset <= errors
    - unsent <= 3 * errors
"""

RESTARTED = """\
intent: Is a server that was killed, and started again, there for its clients?
models: [MODEL]
clients:
  - {executor: open, rate: 50/s, duration: 8s, connections: each, demand: sleep=1ms,
     connect_timeout: 500ms}
faults:
  - {at: 1s, fault: kill, lasts: 500ms}
  - {at: 4s, fault: terminate, lasts: 100ms}
expect:
  all:
    - errors + unsent > 5
    - timed_out >= 0    # at a stopped container's address a SYN is lost
    - before.failed == 0
    - after.acked > 20
    - after.failed == 0
    - acked + failed + in_flight + unsent == 400
"""

CROWDED = """\
intent: What does a crowd that says nothing take from those who work?
models: [single, epoll]
server: {backlog: 10}
clients:
  - {executor: open, rate: 50/s, duration: 4s, connections: each, demand: sleep=1ms,
     connect_timeout: 30s}
faults: [{at: 1s, fault: fill-backlog, lasts: 1s}]
expect:
  all: [acked == 200, before.response_time_p50 < 500ms]
  single: [during.throughput < 0.2 * before.throughput, response_time_max > 800ms]
  epoll: [during.throughput > 0.5 * before.throughput]
"""

UNPLUGGED = """\
intent: Does a conversation survive a cable that is pulled and put back?
models: [MODEL]
clients: [{executor: closed, users: 3, duration: 4s, think_time: 5ms, demand: sleep=5ms}]
faults: [{at: 1s, fault: disconnect, lasts: 500ms}]
expect:
  all:
    - failed == 0
    - errors == 0
    - response_time_max > 400ms
    - during.throughput < 0.5 * before.throughput
    - after.acked > 0
"""

OVERLAPPING = """\
intent: Does a server stand still, and lie unplugged, until the last fault of its kind is over?
models: [epoll]
clients:
  - {executor: open, rate: 100/s, duration: DURATION, connections: 20, demand: sleep=1ms}
faults:
  - {at: 400ms, fault: pause, lasts: 400ms}
  - {at: 600ms, fault: pause, lasts: 600ms}
expect:
  all: [errors == 0, before.acked > 20, during.acked < 15, response_time_max > 700ms]
"""
UNPLUGGED_TWICE = """\
  - {at: 450ms, fault: disconnect, lasts: 300ms}
  - {at: 650ms, fault: disconnect, lasts: 600ms}
  - {at: 300ms, fault: cpu-limit, cpus: 0.9, lasts: 600ms}
  - {at: 350ms, fault: cpu-limit, cpus: 0.5, lasts: 300ms}
"""

ENDED = """\
intent: Is a fault done to a server that has ended?
models: [epoll]
clients:
  - {executor: open, rate: 20/s, duration: 2s, connections: each, demand: sleep=1ms,
     connect_timeout: 200ms}
faults:
  - {at: 50ms, fault: terminate}
  - {at: 500ms, fault: pause, lasts: 50ms}
  - {at: 510ms, fault: cpu-limit, cpus: 1, lasts: 50ms}
  - {at: 520ms, fault: disconnect, lasts: 50ms}
  - {at: 580ms, fault: kill}
expect: {all: [timed_out >= 0, errors >= 0]}
"""

LASTING = """\
intent: Is what lasts undone by Ctrl-C?
models: [prefork]
clients: [{executor: closed, users: 2, messages: 100, demand: sleep=1s}]
faults: [{at: 100ms, fault: pause, lasts: 60s}]
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_pause_shows_and_ends(lab: Lab, tmp_path: Path, backend: str) -> None:
    ended = lab.run(written(tmp_path, PAUSED), "--backend", backend)
    assert ended.code == 0, ended.out + ended.err
    for model in ("prefork", "epoll"):
        (run,) = ended.case(model)["runs"]
        (fault,) = run["faults"]
        assert fault["error"] == ""
        assert 0.4 <= fault["effect_s"] < fault["reverted_s"]
        assert f"{model}: pause at" in ended.out


@pytest.mark.parametrize(
    ("backend", "more"),
    [("process", ""), pytest.param("docker", UNPLUGGED_TWICE, marks=pytest.mark.docker)],
)
def test_overlapping_faults_of_a_kind_end_with_the_last_and_are_all_done(
    lab: Lab, tmp_path: Path, backend: str, more: str
) -> None:
    text = OVERLAPPING.replace("expect:", f"{more}expect:").replace("DURATION", "1500ms")
    ended = lab.run(written(tmp_path, text), "--backend", backend)
    assert ended.code == 0, ended.out + ended.err
    (run,) = ended.case("epoll")["runs"]
    assert {fault["error"] for fault in run["faults"]} == {""}


@pytest.mark.together
@pytest.mark.docker
def test_a_fault_on_a_container_that_has_ended_is_not_done_and_is_a_doubt(
    lab: Lab, tmp_path: Path
) -> None:
    ended = lab.orchestrate(written(tmp_path, ENDED), "--backend", "docker", "--out", lab.out)
    assert ended.code == 4, ended.out + ended.err
    for kind in ("pause", "cpu-limit", "disconnect", "kill"):
        assert f"fault {kind}: the server has ended, exit code 0" in ended.out


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_is_killed_all_are_replaced_and_the_server_is_killed(
    lab: Lab, tmp_path: Path, backend: str
) -> None:
    ended = lab.run(written(tmp_path, KILLED), "--backend", backend)
    assert ended.code == 0, ended.out + ended.err
    (run,) = ended.case("prefork")["runs"]
    assert [fault["fault"] for fault in run["faults"]] == ["kill-worker", "reload", "kill"]
    for fault in run["faults"]:  # each has its part of the window `during`
        assert fault["asked_s"] < fault["over_s"] < fault["effect_s"] + 1.1


@pytest.mark.together
@pytest.mark.parametrize(
    ("backend", "migrates"), [("process", 0), pytest.param("docker", 1, marks=pytest.mark.docker)]
)
def test_a_listener_that_closes_loses_its_queue_unless_the_kernel_moves_it(
    lab: Lab, tmp_path: Path, backend: str, migrates: int
) -> None:
    if backend == "process" and MIGRATES.read_text().strip() != str(migrates):
        pytest.skip(f"this machine has another value in {MIGRATES}")
    text = CLOSED.replace("MIGRATES", str(migrates))
    ended = lab.run(written(tmp_path, text), "--backend", backend)
    assert ended.code == 0, ended.out + ended.err
    measures = ended.case("reuseport")["measures"]
    lost, moved = measures["accept_queue_reset"], measures["accept_queue_migrated"]
    assert (lost > 0, moved > 0) == (migrates == 0, migrates == 1)


@pytest.mark.together
def test_a_fault_that_cannot_be_done_makes_the_run_invalid(lab: Lab, tmp_path: Path) -> None:
    text = PAUSED.replace("prefork, epoll", "threaded").replace(
        "fault: pause, lasts: 500ms", "fault: kill-worker, worker: 1"
    )
    ended = lab.orchestrate(written(tmp_path, text), "--backend", "process", "--out", lab.out)
    assert ended.code == 4
    assert "fault kill-worker: worker 1 is not a process, so it cannot be killed alone" in ended.out


@pytest.mark.together
@pytest.mark.parametrize(("backend", "model"), RESTARTED_ON)
def test_a_killed_server_is_started_again(
    lab: Lab, tmp_path: Path, backend: str, model: str
) -> None:
    scenario = written(tmp_path, RESTARTED.replace("MODEL", model))
    ended = lab.run(scenario, "--backend", backend)
    assert ended.code == 0, ended.out + ended.err
    (run,) = ended.case(model)["runs"]
    killed, ended_well = run["faults"]
    for fault in run["faults"]:
        assert fault["effect_s"] < fault["over_s"] <= fault["reverted_s"]
    assert killed["effect_s"] < killed["reverted_s"] < ended_well["effect_s"]


@pytest.mark.together
@pytest.mark.parametrize("backend", BACKENDS)
def test_connections_fill_the_backlog_and_leave(lab: Lab, tmp_path: Path, backend: str) -> None:
    ended = lab.run(written(tmp_path, CROWDED), "--backend", backend)
    assert ended.code == 0, ended.out + ended.err


@pytest.mark.docker  # alone: the engine must be in time
@pytest.mark.parametrize("model", ["single", "epoll"])
def test_the_network_is_disconnected_and_reconnected(
    lab: Lab, tmp_path: Path, model: str, *, is_long: bool
) -> None:
    if model == "single" and not is_long:
        pytest.skip("one model in every test run, both with --long")
    ended = lab.run(written(tmp_path, UNPLUGGED.replace("MODEL", model)), "--backend", "docker")
    assert ended.code == 0, ended.out + ended.err
    (run,) = ended.case(model)["runs"]
    (fault,) = run["faults"]
    assert fault["error"] == ""


@pytest.mark.together
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interrupt_undoes_what_lasts(lab: Lab, tmp_path: Path, backend: str) -> None:
    scenario = written(tmp_path, LASTING)
    ended = lab.interrupt(
        "under load", signal.SIGINT, scenario, "--backend", backend, "--out", lab.out
    )
    assert ended.code == 130, ended.out + ended.err
    assert lab.left_processes() == []


def written(folder: Path, text: str) -> Path:
    path = folder / "faults.yaml"
    path.write_text(text)
    return path
