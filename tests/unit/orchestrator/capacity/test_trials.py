"""What a stored run says of the objectives; runs are made by hand."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from orchestrator.analysis.evidence import Evidence
from orchestrator.campaign.evaluate_run import MeasuredRun, measure_run
from orchestrator.capacity import trials
from orchestrator.capacity.objectives import parse_objectives
from orchestrator.capacity.progress import SearchProgress
from orchestrator.capacity.searched_group import TrialLoad, find_searched
from orchestrator.capacity.trials import (
    BackendTrials,
    backlog,
    broken,
    outcome_of,
    starved,
    utilization,
)
from orchestrator.results.archive import Archive
from orchestrator.results.capacity import Limit
from orchestrator.results.client_samples import ACKED, ClientRun
from orchestrator.results.server_log import log_of
from orchestrator.results.summary import Reason, ReasonKind
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Run, plan_cases
from tests.unit.orchestrator.analysis.evidence_fixtures import replica
from tests.unit.orchestrator.campaign.stored_run_fixtures import FakeBackend, store_run
from tests.unit.orchestrator.capacity.trial_fixtures import OPEN, scenario_of

CLIENTS = "{executor: closed, users: 2, messages: 1, demand: sleep=100ms}"
LOAD = TrialLoad(load=2.0, duration_s=1.0, warmup_s=0.0, seed=7)
START_NS = 10**9
ABORTED = {"expression": "acked > 1", "left": "2", "right": "1", "at_s": 4.2}
LONG = "p50 < 10s"


def measured(tmp_path: Path, **of_case: object) -> MeasuredRun:
    """Return a run of two users whose messages took 101 and 201 ms, one after the other."""
    scenario = scenario_of(CLIENTS, "validity: []\n")
    store_run(tmp_path, **of_case)
    return measure_run(scenario, Run(plan_cases(scenario)[0], 1, 1), tmp_path)


def test_a_percentile_is_judged_message_by_message_and_others_by_their_value(
    tmp_path: Path,
) -> None:
    objectives = parse_objectives(["p50 < 150ms", "makespan < 100ms"])
    found = outcome_of("a-trial-1", measured(tmp_path), objectives, LOAD)
    assert found.trial is not None
    late = found.trial.lateness["p50 < 150ms"]
    assert late.late.tolist() == [False, True]
    assert late.predicted is not None
    assert late.predicted.tolist() == [False, True]
    margin = found.trial.margins["makespan < 100ms"]
    assert margin == pytest.approx(1.01)
    assert [each.late_share for each in found.result.objectives] == [0.5, None]
    assert [each.allowed_share for each in found.result.objectives] == [0.5, None]
    assert (found.result.slug, found.result.seed, found.result.messages) == ("a-trial-1", 7, 2)
    assert (found.trial.broken, found.doubts) == ("", [])


def test_messages_of_the_warm_up_do_not_count(tmp_path: Path) -> None:
    scenario = scenario_of(CLIENTS, "validity: []\nwarmup: 1s\n")
    store_run(tmp_path)
    run = measure_run(scenario, Run(plan_cases(scenario)[0], 1, 1), tmp_path)
    found = outcome_of("a", run, parse_objectives(["p50 < 150ms"]), LOAD)
    assert found.result.messages == 0
    assert found.trial is None
    assert found.result.invalid == ["no message was due after the warm-up"]


@pytest.mark.parametrize(
    ("busy_s", "is_stopped"), [(0.3, True), (1.2, True), (1.5, False), (None, False)]
)
def test_a_client_that_waits_for_longer_than_others_delay_it_makes_a_trial_invalid(
    tmp_path: Path, busy_s: float | None, *, is_stopped: bool
) -> None:
    run = measured(tmp_path)
    host = {"wall_s": 1.0, "cpus": 2.0, "busy_s": busy_s}
    (replica,) = run.evidence.clients.replicas
    health = replace(replica.health, wall_s=1.0, run_delay_s=0.75)
    clients = replace(run.evidence.clients, replicas=(replace(replica, health=health),), host=host)
    run = replace(run, evidence=replace(run.evidence, clients=clients))
    found = outcome_of("a", run, parse_objectives(["p50 < 150ms"]), LOAD)
    assert [limit for limit, _ in found.doubts] == [Limit.CLIENTS] * is_stopped
    assert all("75% of the time" in text for text in found.result.invalid)


def test_a_server_that_crashed_cannot_hold(tmp_path: Path) -> None:
    assert broken(measured(tmp_path)) == ""
    assert broken(measured(tmp_path, server_exit_code=-9)) == "the server ended with exit code -9"


def test_a_load_that_was_aborted_does_not_hold_though_no_message_is_late(tmp_path: Path) -> None:
    found = outcome_of("a", measured(tmp_path, aborted=ABORTED), parse_objectives([LONG]), LOAD)
    assert found.trial is not None
    assert not found.trial.lateness[LONG].late.any()
    assert found.trial.broken == "aborted after 4.200 s: acked > 1, 2 vs 1"


def test_what_an_aborted_load_lacks_is_no_failure_of_the_lab(tmp_path: Path) -> None:
    scenario = scenario_of(CLIENTS, "validity: []\nwarmup: 1s\n")
    store_run(tmp_path, aborted=ABORTED)
    run = measure_run(scenario, Run(plan_cases(scenario)[0], 1, 1), tmp_path)
    run.reasons.append(Reason(ReasonKind.BROKEN_LAW, "messages are missing"))
    found = outcome_of("a", run, parse_objectives([LONG]), LOAD)
    assert (found.result.messages, found.doubts) == (0, [])
    assert found.trial is not None
    assert found.trial.broken


def test_a_load_aborted_because_of_late_clients_does_not_count(tmp_path: Path) -> None:
    run = measured(tmp_path, aborted=ABORTED)
    run.values["exhausted"] = 3
    found = outcome_of("a", run, parse_objectives([LONG]), LOAD)
    assert found.trial is None
    assert [limit for limit, _ in found.doubts] == [Limit.CLIENTS]


def test_an_objective_of_a_group_without_a_message_is_not_judged(tmp_path: Path) -> None:
    slow = parse_objectives(["slow.p50 < 1s"])
    found = outcome_of("a", measured(tmp_path), slow, LOAD)
    assert found.trial is None
    assert found.result.invalid == ["no message was due after the warm-up"]


def test_late_clients_make_a_trial_invalid(tmp_path: Path) -> None:
    run = measured(tmp_path)
    run.values["schedule_lag_p99"] = 0.02
    assert outcome_of("a", run, parse_objectives(["p50 < 150ms"]), LOAD).trial is not None
    strict = outcome_of("a", run, parse_objectives(["p50 < 50ms"]), LOAD)
    assert strict.trial is None
    ((limit, text),) = strict.doubts
    assert limit is Limit.CLIENTS
    assert strict.result.invalid == [text]
    assert "20.0 ms late" in text


def test_connections_that_never_left_the_client_are_not_the_server_s(tmp_path: Path) -> None:
    run = measured(tmp_path)
    run.values["exhausted"] = 3
    found = outcome_of("a", run, parse_objectives(["p50 < 150ms"]), LOAD)
    assert [limit for limit, _ in found.doubts] == [Limit.CLIENTS]


def test_without_a_planned_end_the_utilization_is_that_of_the_run(tmp_path: Path) -> None:
    run = measured(tmp_path)
    assert utilization(run) == run.values["utilization"]


def queue(per_s: float, served_per_s: float, load_s: float = 10.0) -> tuple[Table, Evidence]:
    """Return messages at constant intervals that one worker serves, and their evidence."""
    due = START_NS + (np.arange(round(per_s * load_s)) / per_s * 1e9).astype(np.int64)
    columns = ("due_ns", "started_ns", "finished_ns", "ended_ns")
    table: Table = np.zeros(len(due), [(each, "<u8") for each in columns])
    free_ns, service_ns = 0, round(1e9 / served_per_s)
    for row, due_ns in enumerate(due.tolist()):
        started_ns = max(due_ns, free_ns)
        free_ns = started_ns + service_ns
        table[row] = (due_ns, started_ns, free_ns, free_ns)
    run = ClientRun(START_NS, (), (), ())
    loads = {"clients": (0.0, load_s)}
    return table, Evidence({}, run, log_of([]), 0, open_groups={"clients"}, loads=loads)


def test_messages_that_pile_up_are_noticed_though_none_is_late_yet() -> None:
    assert backlog(*queue(100, 105)) == ""
    assert backlog(*queue(100, 99)) == ""  # as many as a random walk has by chance
    assert "messages pile up: 2" in backlog(*queue(100, 75))


def test_users_that_no_worker_serves_are_noticed() -> None:
    columns = ("group", "due_ns", "ended_ns", "outcome")
    rows: Table = np.zeros(3, [(each, "<u8") for each in columns])
    rows["outcome"] = ACKED
    rows["due_ns"] = START_NS + np.array([1, 4, 9]) * 10**9
    rows["ended_ns"] = START_NS + np.array([2, 5, 11]) * 10**9  # the last one as it may be
    run = ClientRun(START_NS, (replica(0, []),), (), ())
    closed = Evidence({}, run, log_of([]), 0, loads={"clients": (0.0, 10.0)})
    assert starved(rows, closed) == ""
    rows["ended_ns"][:2] = START_NS + 11 * 10**9
    assert starved(rows, closed) == "2 users had no answer in the second half of the load"
    assert starved(rows, replace(closed, open_groups={"clients"})) == ""


def test_users_that_wait_for_their_answers_pile_up_nothing() -> None:
    table, evidence = queue(100, 50)
    closed = Evidence({}, evidence.clients, evidence.log, 0, loads=evidence.loads)
    assert backlog(table, closed) == ""


def test_each_trial_of_a_load_has_a_folder_and_time_for_the_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenario_of(OPEN, "validity: []\n")
    archive = Archive(tmp_path / "results")
    archive.path.mkdir()
    group = find_searched(scenario)
    timeouts = []

    def execute(*order: object) -> None:
        used, _, _, folder, _ = order
        timeouts.append(used.timeout_s)  # type: ignore[attr-defined]
        assert isinstance(folder, Path)
        store_run(folder)

    monkeypatch.setattr(trials, "execute", execute)
    progress = SearchProgress(Console(file=StringIO()), group, 1)
    runner = BackendTrials(scenario, group, FakeBackend(), archive, progress)
    case, objectives = plan_cases(scenario)[0], parse_objectives(["p99 < 1s"])
    slugs = [runner.run(case, objectives, LOAD).result.slug for _ in range(2)]
    assert slugs == ["prefork-2-per-s-trial-1", "prefork-2-per-s-trial-2"]
    assert all((archive.path / "raw" / slug / "case.json").is_file() for slug in slugs)
    assert timeouts == [12.0, 12.0]
