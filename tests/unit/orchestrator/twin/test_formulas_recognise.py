"""Which formula a case has, if it has one."""

import pytest

from orchestrator.twin.formulas import UnstableError, steady_state
from orchestrator.twin.parameters import Discipline, Kind
from tests.unit.orchestrator.twin.load_fixtures import CPUS, case_of


def formula(
    kind: Kind,
    demand: str = "sleep=exponential(50ms)",
    *,
    server: str = "{workers: 1}",
    clients: str | None = None,
) -> str | None:
    each = (
        "{executor: open, rate: 10/s, duration: 1s, arrivals: poisson, connections: each, "
        f"demand: {demand!r}}}"
    )
    case = case_of(f"[{clients or each}]", server=server)
    found = steady_state(case, Discipline.of(kind, case, CPUS))
    return found.formula if found else None


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        ("sleep=exponential(50ms)", "M/M/1"),
        ("cpu=exponential(50ms)", "M/M/1"),
        ("sleep=50ms", "M/D/1"),
        ("sleep=bimodal(10ms, 90ms, share=0.5)", "M/G/1"),
        ("sleep=hyperexponential(50ms, scv=4)", "M/G/1"),
        ("sleep=10ms, sleep=90ms", None),  # they take turns, which is no law of chance
        ("sleep=0ms", None),
        ("sleep=40ms+cpu=10ms", "M/D/1"),
        ("sleep=exponential(40ms)+cpu=10ms", "M/G/1"),
        ("sleep=exponential(20ms)+sleep=exponential(20ms)", "M/G/1"),
        ("cpu=exponential(50ms)+sleep=0ms", "M/M/1"),
    ],
)
def test_one_worker(demand: str, expected: str | None) -> None:
    assert formula(Kind.PROCESS, demand) == expected


def test_several_workers_take_exponential_demands_or_have_none() -> None:
    assert formula(Kind.PROCESSES, server="{workers: 4}") == "M/M/4"
    assert formula(Kind.PROCESSES, "sleep=50ms", server="{workers: 4}") is None
    assert formula(Kind.THREADS, "cpu=exponential(50ms)", server="{workers: 4}") is None
    assert formula(Kind.PROCESSES, "cpu=exponential(50ms)", server="{workers: 2}") == "M/M/2"


def test_a_loop_serves_all_who_sleep_and_one_who_computes() -> None:
    assert formula(Kind.LOOP) == "M/G/inf"
    assert formula(Kind.LOOP, "cpu=exponential(50ms)") == "M/M/1"
    assert formula(Kind.LOOP, "sleep=50ms", server="{blocking_sleep: true}") == "M/D/1"


@pytest.mark.parametrize(
    "kind", [Kind.THREADS_ACCEPTING, Kind.LOOP_AND_POOL, Kind.PROCESSES_PASSED]
)
def test_messages_or_connections_that_wait_for_one_of_several_workers_are_one_queue(
    kind: Kind,
) -> None:
    assert formula(kind, server="{workers: 4}") == "M/M/4"


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        ("sleep=exponential(50ms)", "4 x M/M/1"),
        ("sleep=50ms", "4 x M/D/1"),
        ("sleep=bimodal(10ms, 90ms, share=0.5)", "4 x M/G/1"),
        ("cpu=50ms", None),  # they share two CPUs
    ],
)
def test_a_listener_each_is_a_queue_each(demand: str, expected: str | None) -> None:
    assert formula(Kind.PROCESSES_SPLIT, demand, server="{workers: 4}") == expected


def test_with_a_queue_each_a_message_waits_as_at_one_worker_with_its_share_of_the_load() -> None:
    """40 messages a second of 25 ms each: each of four queues has a load of 0.25."""
    each = (
        "[{executor: open, rate: 40/s, duration: 1s, arrivals: poisson, connections: each, "
        "demand: sleep=exponential(25ms)}]"
    )
    case = case_of(each, server="{workers: 4}")
    steady = steady_state(case, Discipline.of(Kind.PROCESSES_SPLIT, case, CPUS))
    assert steady is not None
    assert steady.utilization == pytest.approx(0.25)
    assert steady.waiting_time_s == pytest.approx(0.025 / 3)
    assert steady.queue_length == pytest.approx(40 * 0.025 / 3)
    shared = steady_state(case, Discipline.of(Kind.PROCESSES, case, CPUS))
    assert shared is not None
    assert shared.waiting_time_s < steady.waiting_time_s / 20  # what one shared queue is worth


def test_workers_for_which_practically_nothing_waits_are_a_queue_without_waiting() -> None:
    assert formula(Kind.PROCESSES_EACH, "sleep=50ms", server="{workers: 12}") == "M/G/inf"
    assert formula(Kind.THREADS_EACH, "sleep=50ms", server="{workers: 4}") is None
    assert formula(Kind.LOOPS, "sleep=50ms", server="{workers: 2}") == "M/G/inf"


def test_an_exponential_that_the_server_cuts_is_another_law() -> None:
    assert formula(Kind.PROCESS, server="{max_service_time: 100ms, service_time: 1ms}") == "M/G/1"


def test_a_demand_that_the_server_sets_counts() -> None:
    clients = "{executor: open, rate: 10/s, duration: 1s, arrivals: poisson, connections: each}"
    assert formula(Kind.PROCESS, clients=clients, server="{service_time: 50ms}") == "M/D/1"


@pytest.mark.parametrize(
    "clients",
    [
        "{executor: closed, users: 3, messages: 2, demand: sleep=1ms}",
        "{executor: open, rate: 10/s, duration: 1s, connections: each, demand: sleep=1ms}",
        "{executor: open, rate: 9/s, duration: 1s, arrivals: poisson, connections: 4, "
        "demand: sleep=1ms}",
        "{executor: ramp, stages: [{duration: 1s, rate: 9/s}], arrivals: poisson, "
        "connections: each, demand: sleep=1ms}",
    ],
)
def test_what_is_no_poisson_process_at_one_rate_has_none(clients: str) -> None:
    assert formula(Kind.PROCESS, clients=clients) is None


def test_one_that_only_grows_is_refused() -> None:
    with pytest.raises(UnstableError, match=r"1\.5 erlangs"):
        formula(Kind.PROCESS, "sleep=150ms")


def test_parts_add_their_means_and_variances() -> None:
    """Mean 40 + 20 ms and variance 40² ms², so the SCV is (40 / 60)²; λ = 10/s, ρ = 0.6."""
    each = (
        "[{executor: open, rate: 10/s, duration: 1s, arrivals: poisson, connections: each, "
        "demand: sleep=exponential(40ms)+cpu=20ms}]"
    )
    case = case_of(each, server="{workers: 1}")
    found = steady_state(case, Discipline.of(Kind.PROCESS, case, CPUS))
    assert found is not None
    assert found.utilization == pytest.approx(0.6)
    assert found.waiting_time_s == pytest.approx(0.6 * 0.06 * (1 + (2 / 3) ** 2) / (2 * 0.4))


def test_a_message_that_waits_and_computes_has_no_formula_beside_others() -> None:
    """Of workers that share a CPU, and of a loop: waits overlap and computations do not."""
    parts = "sleep=exponential(40ms)+cpu=10ms"
    assert formula(Kind.LOOP, parts) is None
    assert formula(Kind.THREADS, parts, server="{workers: 2}") is None
    assert formula(Kind.PROCESSES, parts, server="{workers: 2}") is None
    assert formula(Kind.LOOP, parts, server="{blocking_sleep: true}") == "M/G/1"
