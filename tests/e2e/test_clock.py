"""Replicas whose clock is a day ahead of the server's: local processes, as root."""

from pathlib import Path

import pytest

from labkit.clock import own_clock
from orchestrator.analysis.clocks import server_clocks
from orchestrator.campaign.evaluate_run import MeasuredRun, measure_run
from orchestrator.execution.process import backend
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.execution.run_case import ProgressCallbacks, execute
from orchestrator.results.summary import ReasonKind
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import schedule
from orchestrator.scenario.scenario import Scenario
from tests.clock_fixtures import AHEAD, need_time_namespace

ONE = """\
intent: Two users of one worker.
models: [prefork]
server: {workers: 1}
clients: [{executor: closed, users: 2, replicas: 2, messages: 5, demand: sleep=20ms}]
"""


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
    assert reasons(found["prefork"]) == []
