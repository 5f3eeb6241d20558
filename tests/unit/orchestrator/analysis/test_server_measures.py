import dataclasses

from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.statistics import Figures
from orchestrator.results.server_log import Event, log_of
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    ONE_AFTER_THE_OTHER,
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


def test_what_closed_listeners_did_to_their_queues_is_added_up() -> None:
    def closed(reset: int, migrated: int) -> Event:
        return {"event": "listener_closed", "t_ns": at(200), "index": 1,
                "accept_queue_reset": reset, "accept_queue_migrated": migrated}  # fmt: skip

    drain: Event = {"event": "drain_begun", "t_ns": at(500), "accept_queue_reset": 4}
    found = measures(listening(), closed(2, 0), closed(0, 7), drain, STOPPED)
    assert (found["accept_queue_reset"], found["accept_queue_migrated"]) == (6, 7)
    shared = measures(listening(), STOPPED)
    assert (shared["accept_queue_reset"], shared["accept_queue_migrated"]) == (0, 0)


def test_a_worker_that_leaves_in_a_reload_is_replaced_and_did_not_die() -> None:
    def event(name: str, t_ms: float, index: int, reason: str) -> Event:
        return {"event": name, "t_ns": at(t_ms), "index": index, "peak_memory_bytes": 5,
                "reason": reason}  # fmt: skip

    found = measures(
        listening(workers=3),
        event("worker_exited", 100, 1, "reload"), event("worker_started", 101, 1, ""),
        event("worker_exited", 102, 2, "SIGKILL"), event("worker_started", 103, 2, ""),
        event("worker_exited", 104, 3, "reload"),  # its successor could not be started
        STOPPED,
    )  # fmt: skip
    assert (found["workers_replaced"], found["worker_deaths"]) == (1, 1)


def test_a_process_that_ends_with_its_connection_did_not_die() -> None:
    """Each place has the largest of its processes' peaks, as one process at a time had it."""

    def exited(t_ms: float, peak: int, reason: str) -> Event:
        return {"event": "worker_exited", "t_ns": at(t_ms), "index": 1, "reason": reason,
                "peak_memory_bytes": peak}  # fmt: skip

    found = measures(
        listening(workers=3), exited(100, 50, "connection ended"), exited(200, 70, "SIGKILL"),
        exited(300, 60, "connection ended"), STOPPED,
    )  # fmt: skip
    assert (found["workers_replaced"], found["worker_deaths"]) == (0, 1)
    assert found["peak_memory"] == 1070


def test_a_worker_that_dies_after_a_restart_is_counted_too() -> None:
    def event(name: str, t_ms: float) -> Event:
        return {"event": name, "t_ns": at(t_ms), "index": 1, "peak_memory_bytes": 50, "workers": 2}

    first = (listening(), event("drain_begun", 100), event("worker_exited", 110), STOPPED)
    second = (event("listening", 200), event("worker_exited", 250), event("drain_begun", 300))
    assert measures(*first, *second, event("worker_exited", 310))["worker_deaths"] == 1


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
    contradictory = measures({**begun, "cpu_user_s": 9.0}, STOPPED)
    assert contradictory["cpu_time_per_message"] is None


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
