"""A run compared with its twin: a run made by the simulation must be predicted exactly."""

from dataclasses import replace

import numpy as np
import pytest

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.join import Merged
from orchestrator.measures.views import PREDICTED, REPLAYED
from orchestrator.results.client_samples import ACKED, ClientRun
from orchestrator.scenario.plan import Case
from orchestrator.twin.comparison import (
    Divergence,
    Twin,
    build_twin,
    compare_with_twin,
    find_divergence,
    run_figures,
)
from orchestrator.twin.parameters import Kind, Overhead
from orchestrator.twin.predict import NoTwinError
from tests.unit.orchestrator.analysis.evidence_fixtures import evidence
from tests.unit.orchestrator.twin.load_fixtures import CPUS, MS, case_of
from tests.unit.orchestrator.twin.run_fixtures import START_NS, measured

US = 1_000
COST = Overhead(
    request_ns=90 * US, service_ns=110 * US, answer_ns=200 * US, turn_ns=40 * US,
    resume_ns=150 * US,
    connect_ns=210 * US, accept_ns=120 * US, turnover_ns=260 * US, switch_ns=0,
)  # fmt: skip
CLOSED = """[{executor: closed, users: 13, messages: 8, demand: sleep=exponential(50ms),
              think_time: exponential(20ms)}]"""
EACH = """[{executor: open, rate: 30/s, duration: 5s, arrivals: poisson, connections: each,
            demand: sleep=exponential(50ms)}]"""
POOL = """[{executor: open, rate: 30/s, duration: 5s, arrivals: poisson, connections: 3,
            demand: sleep=exponential(50ms)}]"""
PARTS = """[{executor: open, rate: 30/s, duration: 5s, arrivals: poisson, connections: each,
             demand: sleep=exponential(20ms)+cpu=8ms+sleep=5ms}]"""
TURNS = """[{executor: open, rate: 120/s, duration: 3s, arrivals: poisson, connections: each,
             demand: [sleep=20ms, cpu=4ms]}]"""
COMPUTING = """[{executor: open, rate: 10/s, duration: 5s, arrivals: poisson, connections: each,
                 demand: cpu=exponential(50ms)}]"""
POOLS = [Kind.PROCESS, Kind.PROCESSES, Kind.THREADS, Kind.THREADS_ACCEPTING]


def twin(kind: Kind, case: Case, merged: Merged) -> Twin:
    return build_twin(case, merged, START_NS, {"any": kind.value}, CPUS)


@pytest.mark.parametrize("clients", [CLOSED, EACH, POOL], ids=["closed", "each", "pool"])
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("fed", [PREDICTED, REPLAYED])
def test_a_run_without_disturbance_is_as_its_twin(kind: Kind, clients: str, fed: str) -> None:
    case = case_of(clients, server="{workers: 3}")
    found = twin(kind, case, measured(kind, case, COST))
    ours, theirs = (run_figures(each, START_NS, 3) for each in (found.requests, found.tables[fed]))
    for name in ("makespan", "response_time_mean", "response_time_p99", "waiting_time_mean"):
        assert theirs[name] == pytest.approx(ours[name], rel=0.005, abs=0.0003), name
    assert find_divergence(ours, theirs) is None


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.LOOPS])
@pytest.mark.parametrize("fed", [PREDICTED, REPLAYED])
def test_a_run_of_messages_with_several_parts_is_as_its_twin(kind: Kind, fed: str) -> None:
    """In a loop a wait for another's computation is a part of the service, and counts once."""
    check_against_twin(kind, case_of(PARTS, server="{workers: 3}"), fed)


@pytest.mark.parametrize("fed", [PREDICTED, REPLAYED])
def test_a_run_of_a_loop_that_sleeps_and_computes_in_turn_is_as_its_twin(fed: str) -> None:
    """A computation between two messages that sleep is no overhead of the first."""
    check_against_twin(Kind.LOOP, case_of(TURNS), fed)


def check_against_twin(kind: Kind, case: Case, fed: str) -> None:
    found = twin(kind, case, measured(kind, case, COST))
    ours, theirs = (run_figures(each, START_NS, 3) for each in (found.requests, found.tables[fed]))
    for name in ("makespan", "response_time_mean", "waiting_time_mean", "time_in_service"):
        assert theirs[name] == pytest.approx(ours[name], rel=0.02, abs=0.0003), name
    assert find_divergence(ours, theirs) is None


@pytest.mark.parametrize("kind", POOLS)
def test_the_overhead_is_found_from_what_does_not_wait(kind: Kind) -> None:
    case = case_of(EACH, server="{workers: 2}")
    found = twin(kind, case, measured(kind, case, COST)).overhead
    for name in ("request_ns", "service_ns", "answer_ns", "connect_ns", "accept_ns", "turnover_ns"):
        assert getattr(found, name) == getattr(COST, name), name


@pytest.mark.parametrize("kind", [Kind.PROCESS, Kind.PROCESSES, Kind.LOOP])
def test_who_computes_is_followed_too(kind: Kind) -> None:
    case = case_of(COMPUTING, server="{workers: 4}")
    found = twin(kind, case, measured(kind, case, COST))
    ours = run_figures(found.requests, START_NS, 3)
    for table in found.tables.values():
        theirs = run_figures(table, START_NS, 3)
        assert theirs["response_time_mean"] == pytest.approx(ours["response_time_mean"], rel=0.01)


@pytest.mark.parametrize("kind", [Kind.PROCESS, Kind.PROCESSES_SPLIT])
def test_what_was_served_in_vain_is_part_of_the_load(
    monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    """Attempts that timed out keep the workers busy, but are no answers."""
    case = case_of(
        "[{executor: open, rate: 80/s, duration: 5s, arrivals: poisson, connections: each, "
        "demand: sleep=10ms, answer_timeout: 45ms, retry: {attempts: 2, budget: 10%}}]",
        server="{workers: 1}",
    )
    run = measured(kind, case, COST)
    given_up = np.count_nonzero(run.requests["outcome"] != ACKED)
    assert given_up > len(run.requests) / 10

    def means_s() -> tuple[float, float]:
        found = twin(kind, case, run)
        assert len(found.requests) == len(found.tables[PREDICTED]) == len(run.requests) - given_up
        both = (found.requests, found.tables[PREDICTED])
        ours, theirs = (run_figures(each, START_NS, 1)["response_time_mean"] for each in both)
        return ours or 0.0, theirs or 0.0

    ours, theirs = means_s()
    assert theirs == pytest.approx(ours, rel=0.02)
    name = "orchestrator.twin.comparison._is_served_in_vain"
    monkeypatch.setattr(name, lambda _, requests: np.zeros(len(requests), bool))
    ours, theirs = means_s()
    assert theirs < 0.9 * ours


def slowed(merged: Merged, each: int, by_ns: int) -> Merged:
    """Return a run on a host that made every ``each``-th service longer."""
    requests = merged.requests.copy()
    hit = np.arange(len(requests)) % each == 0
    for column in ("finished_ns", "ended_ns"):
        requests[column][hit] += np.uint64(by_ns)
    return replace(merged, requests=requests)


def test_a_disturbed_host_shows_as_a_divergence_in_service() -> None:
    """A quarter of all services take 100 ms longer; in a loop no message waits for another."""
    case = case_of(EACH)
    run = slowed(measured(Kind.LOOP, case, COST), each=4, by_ns=100 * MS)
    found = twin(Kind.LOOP, case, run)
    ours = run_figures(found.requests, START_NS, 3)
    told = find_divergence(ours, run_figures(found.tables[PREDICTED], START_NS, 3))
    assert told is not None
    assert told.part == "time_in_service"
    assert told.grew_s == pytest.approx(0.025, rel=0.05)
    assert told.part_measured_s - told.part_predicted_s == told.grew_s
    replayed = run_figures(found.tables[REPLAYED], START_NS, 3)
    assert replayed["response_time_mean"] == pytest.approx(ours["response_time_mean"], rel=0.005)
    assert find_divergence(ours, replayed) is None


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            Divergence("response_time_mean", 0.148, 0.050, "time_in_unread", 0.0982, 0.0),
            "the mean answer took 98.0 ms longer than predicted: 148.0 ms instead of 50.0 ms "
            "(2.96 times); of its parts, time_in_unread differs most: 98.2 ms instead of 0 s in "
            "the mean",
        ),
        (
            Divergence("response_time_p99", 0.9, 1.0, "time_in_answer", 0.1, 0.2),
            "99% of the answers took up to 100.0 ms less than predicted: 900.0 ms instead of "
            "1.000 s (-10.0%); of its parts, time_in_answer differs most: 100.0 ms instead of "
            "200.0 ms in the mean",
        ),
    ],
)
def test_a_divergence_is_a_sentence_whose_numbers_can_be_checked(
    found: Divergence, sentence: str
) -> None:
    assert str(found) == sentence


def test_a_delay_of_every_message_is_no_overhead() -> None:
    """Ten milliseconds with each answer: calibration does not count them as overhead."""
    case = case_of(EACH)
    run = measured(Kind.LOOP, case, replace(COST, answer_ns=10 * MS))
    found = twin(Kind.LOOP, case, run)
    assert found.overhead.answer_ns < MS
    told = find_divergence(
        run_figures(found.requests, START_NS, 3), run_figures(found.tables[PREDICTED], START_NS, 3)
    )
    assert told is not None
    assert told.part == "time_in_answer"


def test_what_was_not_acknowledged_is_left_out() -> None:
    case = case_of(EACH)
    run = measured(Kind.LOOP, case, COST)
    run.requests["outcome"][3] = 0
    found = twin(Kind.LOOP, case, run)
    assert 3 not in found.rows
    assert len(found.rows) == len(run.requests) - 1


@pytest.mark.parametrize(
    ("clients", "twins", "reason"),
    [
        (EACH, {}, "any has no twin"),
        (EACH, {"any": "magic"}, "any has no twin"),
        ("[{executor: closed, users: 1, messages: 1, behaviour: vanish}]", {"any": "loop"},
         "polite clients only, not vanish"),
    ],
)  # fmt: skip
def test_there_is_none_of_what_the_twin_does_not_know(
    clients: str, twins: dict[str, str], reason: str
) -> None:
    case = case_of(clients)
    run = measured(Kind.LOOP, case_of(EACH), COST)
    with pytest.raises(NoTwinError, match=reason):
        build_twin(case, run, START_NS, twins, CPUS)


def test_a_run_of_which_nothing_was_acknowledged_has_none() -> None:
    case = case_of(EACH)
    run = measured(Kind.LOOP, case, COST)
    run.requests["outcome"] = 0
    with pytest.raises(NoTwinError, match="0 messages acknowledged"):
        twin(Kind.LOOP, case, run)


@pytest.mark.parametrize("demand", ["sleep=0ms", "sleep=20ms"])
def test_the_turn_of_a_loop_is_found_from_the_run(demand: str) -> None:
    """With and without a timer; a typical turn is 15 us, and this loop's 40."""
    group = f"[{{executor: closed, users: 40, messages: 10, demand: {demand}}}]"
    case = case_of(group)
    cost = replace(COST, service_ns=10 * US)
    assert twin(Kind.LOOP, case, measured(Kind.LOOP, case, cost)).overhead.turn_ns == 40 * US


def test_a_comparison_names_what_limits_it() -> None:
    """Overhead of 400 us beside 1 ms, two messages without an ack, and one of two CPUs."""
    case = case_of("[{executor: closed, users: 3, messages: 10, demand: sleep=1ms}]")
    run = measured(Kind.PROCESS, case, COST)
    run.requests["outcome"][:2] = OUTCOMES.index("timed_out")
    run.requests["ended_ns"][5:] += 30 * MS
    host = {"cpus": 1.0, "machine_cpus": 2.0}
    clients = ClientRun(START_NS, (), (), (), host)
    told = evidence([], [], clients=clients)
    remark = compare_with_twin(case, run, told, "process").summary.remark
    assert "; on 1 of 2 CPUs; overhead is " in remark
    assert "the twin does not apply" in remark
    assert remark.endswith("; 2 of 30 messages not acknowledged, and missing in the twin's load")


@pytest.mark.parametrize(
    ("twin", "lacks_load", "reason"),
    [("loops", True, "any has a twin only for demands that sleep"), (None, False, "has no twin")],
)
def test_a_run_says_why_it_has_no_twin(twin: str | None, *, lacks_load: bool, reason: str) -> None:
    case = case_of(COMPUTING)
    run = measured(Kind.LOOP, case, COST)
    clients = ClientRun(START_NS, (), (), (), {"cpus": 2.0, "machine_cpus": 2.0})
    found = compare_with_twin(case, run, evidence([], [], clients=clients), twin)
    assert reason in found.summary.remark
    assert found.summary.lacks_load is lacks_load
    assert not found.views
