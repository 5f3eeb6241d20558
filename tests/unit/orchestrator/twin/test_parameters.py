from dataclasses import replace

import pytest

from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.server import Limits
from orchestrator.twin.parameters import (
    NONE,
    TYPICAL,
    WITH_WORKERS,
    Discipline,
    Kind,
    Overhead,
)
from tests.unit.conftest import Load
from tests.unit.orchestrator.twin.load_fixtures import case_of

CLIENTS = "[{executor: closed, users: 1, messages: 1}]"


def discipline(kind: Kind, server: str = "{}", cpus: float = 4.0) -> Discipline:
    return Discipline.of(kind, case_of(CLIENTS, server=server), cpus)


@pytest.mark.parametrize(
    ("kind", "workers", "places", "cpus", "traits"),
    [
        (Kind.PROCESS, 1, 0, 1.0, {}),  # the setting does not apply: there is one
        (Kind.PROCESSES, 3, 0, 4.0, {}),  # on all CPUs of the machine
        (Kind.PROCESSES_EACH, 3, 0, 4.0, {}),
        (Kind.PROCESSES_PASSED, 3, 0, 4.0, {}),
        (Kind.PROCESSES_SPLIT, 3, 0, 4.0, {"is_split": True}),
        (Kind.THREADS, 3, 4, 1.0, {"has_lock": True}),  # a queue of 3, and one in the main thread
        (Kind.THREADS_ACCEPTING, 3, 0, 1.0, {"has_lock": True}),
        (Kind.THREADS_EACH, 3, 0, 1.0, {"has_lock": True}),
        (Kind.LOOP, 1, 0, 1.0, {}),
        (Kind.LOOPS, 3, 0, 1.0, {}),
        (Kind.LOOP_AND_POOL, 3, 0, 1.0, {"has_lock": True}),
    ],
)
def test_each_kind_has_its_workers_places_and_cpus(
    kind: Kind, workers: int, places: int, cpus: float, traits: dict[str, bool]
) -> None:
    expected = Discipline(kind, workers, places, cpus, host_cpus=4.0, seed=1, **traits)
    assert discipline(kind, "{workers: 3}") == expected


@pytest.mark.parametrize("kind", list(Kind))
def test_no_kind_has_more_cpus_than_the_machine(kind: Kind) -> None:
    assert discipline(kind, cpus=0.5).cpus == 0.5


@pytest.mark.parametrize(
    ("limits", "of_server", "of_all"),
    [
        ({"cpuset": "0-1"}, 2.0, 4.0),
        ({"cpuset": "0-1", "cpus": 1.5}, 1.5, 4.0),
        ({"cpuset": "0-1", "client_cpuset": "1-2"}, 2.0, 3.0),
        ({"client_cpuset": "3"}, 4.0, 4.0),
    ],
)
def test_processes_have_the_cpus_of_their_limits(
    limits: dict[str, str | float], of_server: float, of_all: float
) -> None:
    case = case_of(CLIENTS)
    case = replace(case, settings=replace(case.settings, limits=Limits.model_validate(limits)))
    found = Discipline.of(Kind.PROCESSES, case, 4.0)
    assert (found.cpus, found.host_cpus) == (of_server, of_all)


def test_without_a_setting_the_workers_are_the_server_s_default() -> None:
    """Its documented default is five."""
    assert discipline(Kind.PROCESSES).workers == 5
    assert discipline(Kind.THREADS).places == 6


@pytest.mark.parametrize("kind", list(Kind))
def test_only_a_loop_sleeps_in_the_loop(kind: Kind) -> None:
    is_blocking = discipline(kind, "{blocking_sleep: true}").is_blocking
    assert is_blocking is (kind is Kind.LOOP)
    assert not discipline(kind).is_blocking


def test_the_workers_of_a_loop_serve_more_than_one_message() -> None:
    assert set(Kind) - set(WITH_WORKERS) == {Kind.LOOP, Kind.LOOPS}


def test_a_fork_is_a_part_of_the_hand_over_to_a_process_of_a_connection() -> None:
    overhead = Overhead(handover_ns=30, fork_ns=500)
    found = {kind: overhead.handing_ns(kind) for kind in Kind if overhead.handing_ns(kind)}
    assert found == {Kind.PROCESSES_EACH: 530, Kind.THREADS_EACH: 30, Kind.PROCESSES_PASSED: 30}


def test_overhead_may_exhaust_the_cpus_only_with_many_workers() -> None:
    """A message takes 400 us besides its demand, of which 100 us on one of four CPUs."""
    few, many = (discipline(Kind.PROCESSES, f"{{workers: {each}}}") for each in (16, 17))
    assert not TYPICAL.may_exhaust(few)
    assert TYPICAL.may_exhaust(many)
    assert not NONE.may_exhaust(many)


@pytest.mark.parametrize(("interpreter", "cpus"), [("3.13", 1.0), ("3.13t", 2.0)])
def test_threads_without_an_interpreter_lock_use_all_cpus(
    load: Load, interpreter: str, cpus: float
) -> None:
    (case,) = plan_cases(
        load(f"""\
intent: How many threads compute at a time?
models: [threaded]
interpreter: {interpreter}
clients: [{{executor: closed, users: 4, messages: 1, demand: cpu=1ms}}]
""")
    )
    assert Discipline.of(Kind.THREADS, case, 2.0).cpus == cpus
