"""Delays that other programs cause count, those that the lab causes itself do not."""

import dataclasses
from collections.abc import Mapping, Sequence

import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.evidence import Evidence
from orchestrator.results.kernel_log import KernelLog
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    FIT,
    Sent,
    at,
    evidence,
    listening,
    replica,
    served,
)

WALL_S = 1.0
IDLE: Mapping[str, float] = {
    "server_s": 0.01, "clients_s": 0.01, "conductor_s": 0.0, "probe_s": 0.0, "own_cpu_s": 0.0
}  # fmt: skip


def run(  # noqa: PLR0913 one for each part of a run
    *, waited_ms: float = 0.0, client_ms: float | None = 0.0, others_s: float = 1.0,
    lab: Mapping[str, float] = IDLE, workers: Sequence[int] = (1, 1), has_delay: bool = True,
    throttled_ms: float = 0.0,
) -> Evidence:  # fmt: skip
    """Return a run of 200 ms in which workers serve a message of 100 ms each, on two CPUs."""
    second = (0, 100) if len(set(workers)) > 1 else (100, 200)
    sent = [Sent(0, 0, 100), Sent(1, *second)]
    looks = [
        {"t_ns": at(t_ms), "event": "looked", "cpu_user_s": 0.0, "cpu_system_s": 0.0,
         **({"run_delay_s": delay_ms / 1e3} if has_delay else {}),
         "throttled_s": stopped_ms / 1e3}
        for t_ms, delay_ms, stopped_ms in ((-10, 5.0, 0.0), (1000, 5.0 + waited_ms, throttled_ms))
    ]  # fmt: skip
    events = [listening(workers=max(workers))]
    events += [served(0, workers[0], 0, 100), served(1, workers[1], *second)]
    host = {"wall_s": WALL_S, "cpus": 2.0, "busy_s": others_s + sum(lab.values()), **lab}
    health = dataclasses.replace(FIT, run_delay_s=None if client_ms is None else client_ms / 1e3)
    found = evidence([replica(0, sent)], events, kernel=KernelLog(tuple(looks), tuple(looks)))
    replicas = tuple(dataclasses.replace(each, health=health) for each in found.clients.replicas)
    clients = dataclasses.replace(found.clients, replicas=replicas, host=host)
    return dataclasses.replace(found, clients=clients)


def delay(found: Evidence) -> float | None:
    return analyse(found).measures["host_delay"]


def test_a_delay_of_the_server_is_a_share_of_the_time_in_which_it_serves() -> None:
    """It waited for 20 ms of 200, and nearly all CPU time that it competed with was others'."""
    assert delay(run(waited_ms=20)) == pytest.approx(0.1, rel=0.03)


def test_a_delay_of_a_client_is_a_share_of_the_time_with_a_message_in_flight() -> None:
    assert delay(run(client_ms=20)) == pytest.approx(0.1, rel=0.03)


def test_delays_of_workers_that_serve_at_the_same_time_do_not_add_up() -> None:
    """Two workers served for 100 ms each, so 20 ms of both is a tenth."""
    assert delay(run(waited_ms=20, workers=(1, 2))) == pytest.approx(0.1, rel=0.03)


def test_an_event_loop_serves_its_messages_in_the_same_time() -> None:
    """Two messages overlap in one worker for 100 ms: a delay of 20 ms lengthens both by a fifth."""
    both = run(waited_ms=20, workers=(1, 1))
    sent = [Sent(0, 0, 100), Sent(1, 0, 100)]
    events = [listening(), served(0, 1, 0, 100), served(1, 1, 0, 100)]
    found = evidence([replica(0, sent)], events, kernel=both.kernel)
    messages = found.clients.replicas[0]
    (own,) = both.clients.replicas
    clients = dataclasses.replace(
        both.clients, replicas=(dataclasses.replace(messages, health=own.health),)
    )
    assert delay(dataclasses.replace(found, clients=clients)) == pytest.approx(0.2, rel=0.03)


def test_a_server_whose_workers_compete_with_each_other_is_not_disturbed() -> None:
    """Workers that compute on too few CPUs wait for each other: that is measured, and no doubt."""
    computing = {**IDLE, "server_s": 1.9}
    found = delay(run(waited_ms=90, workers=(1, 2), others_s=0.01, lab=computing))
    assert found is not None
    assert found < 0.01


def test_a_single_thread_that_computes_does_not_compete_with_itself() -> None:
    """What it waited for was another program, although that used little CPU time."""
    computing = {**IDLE, "server_s": 0.9}
    assert delay(run(waited_ms=20, others_s=0.1, lab=computing)) == pytest.approx(0.1, rel=0.15)


def test_a_quota_that_stops_the_server_is_no_other_program() -> None:
    """The kernel counts a thread that a quota stops as ready; here it did nothing else."""
    assert delay(run(waited_ms=180, throttled_ms=180)) == 0
    assert delay(run(waited_ms=200, throttled_ms=180)) == pytest.approx(0.1, rel=0.03)


def test_other_programs_delay_by_no_more_than_the_cpu_time_that_they_used() -> None:
    """The lab itself used as little, so it does not explain the delay either."""
    assert delay(run(waited_ms=100, others_s=0.004)) == pytest.approx(0.02, rel=0.01)


def test_without_other_programs_there_is_no_delay_by_them() -> None:
    assert delay(run(waited_ms=50, client_ms=50, others_s=0.0)) == 0


@pytest.mark.parametrize(
    "unknown", [{"has_delay": False}, {"client_ms": None}, {"lab": {"own_cpu_s": 0.0}}]
)
def test_it_is_unknown_if_the_kernel_does_not_report_a_part(unknown: dict[str, object]) -> None:
    found = run(waited_ms=20, **unknown)  # type: ignore[arg-type]
    if "lab" in unknown:
        host = {**found.clients.host, "busy_s": None}
        found = dataclasses.replace(found, clients=dataclasses.replace(found.clients, host=host))
    assert delay(found) is None


def test_without_a_message_there_is_nothing_that_a_delay_could_lengthen() -> None:
    found = run(waited_ms=20, client_ms=5)
    (own,) = found.clients.replicas
    nothing = dataclasses.replace(own, messages=replica(0, []).messages, planned=0)
    clients = dataclasses.replace(found.clients, replicas=(nothing,))
    assert delay(dataclasses.replace(found, clients=clients)) is None


def test_a_run_without_an_event_log_is_judged_by_its_messages() -> None:
    found = run(waited_ms=20)
    unlogged = dataclasses.replace(found, has_event_log=False)
    assert delay(unlogged) == pytest.approx(0.1, rel=0.03)
