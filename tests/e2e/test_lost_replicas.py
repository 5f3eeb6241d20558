"""A client program that is killed under load is reported with its exit code; the rest is kept."""

import os
import signal
from pathlib import Path

import pytest

from labkit.workload.load_order import CLOSED, GroupOrder, Order
from orchestrator.execution.backend import StageOrder
from orchestrator.execution.load_driver import Watch, drive
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.execution.run_case import attribute_exits
from orchestrator.results.client_samples import read_client_run

GROUP = GroupOrder(
    name="clients", replicas=3, loop=CLOSED, initial=3, messages=20, demand="sleep=100ms"
)


def kill_one(folder: Path, killed: list[int]) -> None:
    """Kill the program of the first client, once, by the number that its name has here."""
    if not killed:
        children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
        pids = [int(pid) for each in children for pid in each.read_text().split()]
        log = str(folder / "client-000.log")
        (pid,) = [pid for pid in pids if Path(f"/proc/{pid}/fd/1").readlink() == Path(log)]
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)


@pytest.mark.together
def test_a_replica_that_is_killed_is_named_and_the_others_report(tmp_path: Path) -> None:
    backend = ProcessBackend()
    staged = StageOrder("epoll", {"LAB_LOG_FORMAT": "json"}, 3, tmp_path, drain_timeout_s=5.0)
    killed: list[int] = []
    with backend.stage(staged) as stage:
        order = Order((GROUP,), stage.target, 1, timeout_s=20.0, margin_s=0.2, enrol_s=10.0)
        watch = Watch(lambda _ns: None, lambda _pulse: kill_one(tmp_path, killed))
        reports = drive(stage.conductor, order, tmp_path, watch, stage.secret)
        end = stage.end()
    attribute_exits(reports, end.clients)
    reports.store(tmp_path)
    run = read_client_run(tmp_path)
    (lost,) = run.lost
    assert lost.reason == "left before its result came, client-000 was ended by SIGKILL"
    assert lost.planned == 20
    assert [each.counts["acked"] for each in run.replicas] == [20, 20]
    assert sorted(end.client_exit_codes) == [-signal.SIGKILL, 0, 0]
