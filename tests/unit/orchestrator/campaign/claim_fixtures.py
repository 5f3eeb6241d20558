"""Rounds of two models whose makespans a test chooses, and the claims about them."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.campaign.evaluate_run import RunEvaluation
from orchestrator.campaign.summarise import summarise
from orchestrator.measures.bounds import AtLeast
from orchestrator.results.reproduction import ClaimResult
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.scenario import Scenario
from tests.unit.orchestrator.campaign.evaluation_fixtures import run_evaluation
from tests.unit.orchestrator.report.report_fixtures import findings, summary

SCENARIO = """\
intent: Which is faster?
source: {author: A. Nobody, title: On servers, year: 2001, place: table 1, reference: nowhere}
models: [single, epoll, threaded]
clients: [{executor: closed, users: 2, messages: 1, demand: sleep=1ms}]
repeats: 5
expect: {all: [failed == 0]}
claims:
  - says: A loop is faster.
    expression: makespan(epoll) < makespan(single)
    known: reproduced
    published: [{of: makespan(single), figure: 2 s}]
  - says: A loop needs a tenth.
    expression: makespan(epoll) < 0.1 * makespan(single)
    known: inverted
    reason: nothing waits here
"""


def scenario_of(folder: Path, text: str = SCENARIO) -> Scenario:
    """Return the scenario ``text``."""
    path = folder / "claims.yaml"
    path.write_text(text)
    return load_scenario(path, known_models=None)


def evaluation(
    run: Run,
    makespan_s: float | None,
    *,
    failed: Sequence[float | None] = (),
    invalid: Sequence[str] = (),
) -> RunEvaluation:
    """Return an evaluation of ``run`` with this makespan; ``failed`` messages, one a round."""
    values: dict[str, float | None] = {
        "makespan": makespan_s,
        "failed": failed[run.repeat - 1] if failed else 0.0,
        "throughput": 1.0,
        "response_time_p99": 1.0,
    }
    return run_evaluation(run, values, invalid)


def verdicts(
    scenario: Scenario,
    single_s: Sequence[float | None],
    epoll_s: Sequence[float | None],
    **changes: dict[str, object],
) -> list[ClaimResult]:
    """Return the verdicts for these makespans, one a round; ``changes`` by the name of a model."""
    columns = {"single": single_s, "epoll": epoll_s, "threaded": [1.0] * len(single_s)}
    runs = [
        evaluation(
            run,
            columns[run.case.model][run.repeat - 1],
            **changes.get(run.case.model, {}),  # type: ignore[arg-type]  # as they are named
        )
        for run in schedule(scenario)
        if run.repeat <= len(single_s)
    ]
    return list(summarise(findings(summary()), scenario, runs).claims)


def at_least(*values: float) -> list[float | None]:
    """Return lower bounds."""
    return [AtLeast(value) for value in values]
