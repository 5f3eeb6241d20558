"""Replicas whose clock is a day ahead of the server's: local processes, as root."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from labkit.clock import own_clock
from orchestrator.analysis.clocks import server_clocks
from orchestrator.campaign.evaluate_run import MeasuredRun, measure_run
from orchestrator.execution.backend import StageEnd
from orchestrator.execution.process import backend
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.execution.process.program import Program
from orchestrator.execution.run_case import ProgressCallbacks, execute
from orchestrator.measures.bounds import error_of
from orchestrator.results.summary import ReasonKind
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import schedule
from orchestrator.scenario.scenario import Scenario
from tests.clock_fixtures import AHEAD, AHEAD_S, need_time_namespace

SCENARIO = """\
intent: Three users; who waits for whom?
models: [single, prefork, threaded, epoll]
server: {workers: 2}
clients: [{executor: closed, users: 3, replicas: 3, messages: 20, demand: sleep=20ms}]
expect:
  all: [failed == 0, acked == 60, start_spread < 20ms]
  single: [peak_in_service == 1, first_service_wait_max > 500ms, time_in_accept_queue > 5ms]
  prefork: [peak_in_service == workers, first_service_wait_max > 300ms]
  threaded: [peak_in_service == workers, first_service_wait_max > 300ms]
  epoll: [peak_in_service == users, first_service_wait_max < 300ms, utilization > 2]
"""
ONE = """\
intent: Two users of one worker.
models: [prefork]
server: {workers: 1}
clients: [{executor: closed, users: 2, replicas: 2, messages: 5, demand: sleep=20ms}]
"""
MOST_ERROR_S = 0.002
"""Generous: other tests keep both CPUs busy, which lengthens every round trip."""


class AheadOfTheServer(Program):
    """A program whose clock is a day ahead if it is a client's."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str],
        log: Path,
        *rest: Path,
    ) -> None:
        before = AHEAD if name.startswith(backend.CLIENT_PREFIX) else []
        super().__init__(name, [*before, *arguments], environment, log, *rest)


def measured(text: str, folder: Path) -> tuple[Scenario, dict[str, MeasuredRun]]:
    """Run a scenario on local processes, and return the measures of each model."""
    folder.mkdir()
    (folder / "scenario.yaml").write_text(text)
    scenario, found = load_scenario(folder / "scenario.yaml", known_models=None), {}
    progress = ProgressCallbacks(lambda _: None, lambda _, __: None, lambda _: None)
    for run in schedule(scenario):
        raw = folder / run.slug
        raw.mkdir()
        execute(scenario, run.case, ProcessBackend(), raw, progress)
        found[run.case.model] = measure_run(scenario, run, raw)
    return scenario, found


def reasons(found: MeasuredRun) -> list[str]:
    """Return why a run is invalid, except by the load of this host."""
    disturbed = (ReasonKind.DISTURBED_HOST, ReasonKind.DISTURBED_RUN)
    return [each.text for each in found.reasons if each.kind not in disturbed]


def assert_true(found: MeasuredRun) -> None:
    """Assert that the estimated offset is within its bound of the true one."""
    (note,) = found.analysis.notes
    said = re.search(r"clock was (\S+) s ahead of .* within ±(\S+) us", note)
    assert said is not None
    bound_s = float(said[2]) / 1e6
    assert bound_s < MOST_ERROR_S, note
    assert abs(float(said[1]) + AHEAD_S) <= bound_s + 2e-6, note


@pytest.mark.together
def test_replicas_in_a_time_namespace_of_their_own_make_a_run_on_one_host_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_time_namespace()
    monkeypatch.setattr(backend, "CLIENT", [*AHEAD, *backend.CLIENT])
    _, found = measured(ONE, tmp_path / "ahead")
    assert found["prefork"].analysis.measures["acked"] == 10
    assert reasons(found["prefork"])[0] == (
        "replica 0 and 1 more had a clock 86400 s ahead of the server's, by the offset of a time "
        "namespace (/proc/self/timens_offsets); all programs of a run on one host need the same "
        "clock"
    )


@pytest.mark.together
def test_the_clocks_of_a_run_on_one_host_are_kept_and_equal(tmp_path: Path) -> None:
    _, found = measured(ONE, tmp_path / "one")
    evidence = found["prefork"].evidence
    assert {each.clock for each in evidence.clients.replicas} == {own_clock()}
    assert set(server_clocks(evidence.log)) == {own_clock()}
    assert evidence.lab_clock == own_clock()
    assert reasons(found["prefork"]) == []


@pytest.mark.alone
def test_clients_a_day_ahead_on_another_host_give_the_same_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their clock is the other host; a backend of several hosts reports that it is one."""
    need_time_namespace()
    scenario, same = measured(SCENARIO, tmp_path / "same")
    with monkeypatch.context() as patch:
        patch.setattr(backend, "Program", AheadOfTheServer)
        patch.setattr(backend, "StageEnd", partial(StageEnd, is_one_host=False))
        _, ahead = measured(SCENARIO, tmp_path / "ahead")
    for model in scenario.models:
        assert reasons(same[model]) == reasons(ahead[model]) == []
        for expectation in scenario.expectations(model):
            verdicts = [expectation.evaluate(each[model].values) for each in (same, ahead)]
            assert [each.passed for each in verdicts] == [True, True], (model, expectation.text)
        values, exact = ahead[model].values, same[model].values
        assert not any(map(error_of, exact.values()))
        assert 0 < error_of(values["first_service_wait_max"]) < MOST_ERROR_S
        assert error_of(values["makespan"]) == error_of(values["response_time_max"]) == 0
        assert_true(ahead[model])
