import dataclasses

import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.server_measures import host_measures
from orchestrator.analysis.statistics import Figures
from orchestrator.results.kernel_log import KernelLog
from orchestrator.results.server_log import Event, log_of
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    ONE_AFTER_THE_OTHER,
    START_NS,
    STOPPED,
    accepted,
    at,
    dequeued,
    listening,
)


def test_what_the_model_declares_outranks_what_was_configured() -> None:
    assert ONE_AFTER_THE_OTHER.inputs["workers"] == 5
    assert analyse(ONE_AFTER_THE_OTHER).measures["workers"] == 1


def test_connections_per_worker_counts_who_took_them_not_who_accepted_them() -> None:
    """In ``threaded`` worker 0 accepts what others serve; who writes first is a matter of luck."""
    found = measures(
        listening(workers=2),
        accepted("0.1", 0, 0, 1), dequeued("0.1", 2, 1),
        dequeued("0.2", 2, 1), accepted("0.2", 0, 0, 2),
        STOPPED,
    )  # fmt: skip
    assert found["connections_per_worker_min"] == 0
    assert found["connections_per_worker_max"] == 2
    assert found["workers_used"] == 1


def test_a_worker_that_leaves_in_the_drain_did_not_die() -> None:
    def exited(t_ms: float) -> Event:
        return {"event": "worker_exited", "t_ns": at(t_ms), "index": 1, "peak_memory_bytes": 50}

    drain: Event = {"event": "drain_begun", "t_ns": at(500)}
    found = measures(listening(), exited(100), drain, exited(600), STOPPED)
    assert found["worker_deaths"] == 1
    assert found["peak_memory"] == 1050


def test_without_the_last_line_the_server_s_own_figures_are_unknown() -> None:
    found = measures(listening())
    assert found["cpu_time"] is None
    assert found["peak_memory"] is None
    assert found["cpu_time_per_message"] is None


def measures(*events: Event) -> Figures:
    """Return the measures where the server logged ``events`` instead."""
    return analyse(dataclasses.replace(ONE_AFTER_THE_OTHER, log=log_of(events))).measures


def test_a_server_that_was_started_twice_has_the_sum_of_cpu_and_the_larger_peak() -> None:
    again: Event = {**STOPPED, "cpu_user_s": 1.0, "cpu_system_s": 0.0, "peak_memory_bytes": 3000}
    found = measures(listening(), STOPPED, listening(), again)
    assert found["cpu_time"] == 1.75  # 0.25 + 0.5 and 1.0 + 0.0
    assert found["peak_memory"] == 3000


def test_cpu_time_per_message_is_without_the_start_of_the_server() -> None:
    begun: Event = {**listening(), "cpu_user_s": 0.125, "cpu_system_s": 0.125}
    found = measures(begun, STOPPED)
    assert found["cpu_time"] == 0.75
    assert found["cpu_time_per_message"] == 0.25  # (0.75 - 0.25) / 2 acks
    older = measures(listening(), STOPPED)
    assert older["cpu_time_per_message"] == 0.375


def test_the_cpu_time_is_unknown_if_one_of_two_starts_was_killed() -> None:
    assert measures(listening(), listening(), STOPPED)["cpu_time"] is None


def test_the_peak_of_a_worker_that_was_replaced_is_the_larger_one() -> None:
    def exited(index: int, peak_bytes: int) -> Event:
        return {"event": "worker_exited", "t_ns": at(1), "index": index,
                "peak_memory_bytes": peak_bytes}  # fmt: skip

    found = measures(listening(2), exited(1, 40), exited(1, 60), exited(2, 5), STOPPED)
    assert found["peak_memory"] == 1000 + 60 + 5


def test_workers_without_a_connection_are_counted() -> None:
    found = measures(listening(3), accepted("0.0", 1, 0, 1), accepted("0.1", 3, 0, 2), STOPPED)
    assert found["connections_per_worker_min"] == 0
    assert found["connections_per_worker_max"] == 1
    assert found["workers_used"] == 2


HOST = {"wall_s": 2.0, "cpus": 4.0, "busy_s": 3.0, "steal_s": 0.4, "pressure_s": 0.5,
        "own_cpu_s": 0.24}  # fmt: skip


def host(**changes: float | None) -> Figures:
    """Return the host's figures in a run in which the lab itself used 1 s of CPU time.

    The client uses 0.01 s, the server 0.75 s, the orchestrator 0.24 s, and there is no probe.
    """
    clients = dataclasses.replace(ONE_AFTER_THE_OTHER.clients, host={**HOST, **changes})
    return host_measures(dataclasses.replace(ONE_AFTER_THE_OTHER, clients=clients))


def test_the_lab_s_own_cpu_time_is_no_load_of_others() -> None:
    found = host()
    assert found["host_busy"] == pytest.approx((3.0 - 1.0) / 8)  # of 4 CPUs in 2 s
    assert found["host_steal"] == pytest.approx(0.4 / 8)
    assert found["host_pressure"] == pytest.approx(0.5 / 2)
    assert found["orchestrator_cpu_share"] == pytest.approx(0.24 / 2)


def test_the_load_of_others_is_never_below_0() -> None:
    assert host(busy_s=0.9)["host_busy"] == 0


def test_the_load_of_others_is_unknown_without_the_cpu_time_of_all() -> None:
    assert host(busy_s=None)["host_busy"] is None


def test_the_cpu_time_of_a_server_that_was_killed_is_what_the_probe_saw() -> None:
    """The probe saw 1 s of the server and used 0.25 s, the client 0.01 s, the orchestrator 0.24."""
    clients = dataclasses.replace(ONE_AFTER_THE_OTHER.clients, host=HOST)
    killed = dataclasses.replace(ONE_AFTER_THE_OTHER, log=log_of([listening()]), clients=clients)
    assert host_measures(killed)["host_busy"] is None
    look = {
        "t_ns": START_NS, "event": "looked", "cpu_user_s": 0.5, "cpu_system_s": 0.5,
        "probe_cpu_s": 0.25,
    }  # fmt: skip
    seen = dataclasses.replace(killed, kernel=KernelLog((look,), (look,)))
    assert host_measures(seen)["host_busy"] == pytest.approx((3.0 - 1.5) / 8)
