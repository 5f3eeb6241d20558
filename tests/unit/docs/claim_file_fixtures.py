"""The verdicts on the claims of a file, with figures that a test chooses."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from orchestrator.campaign.summarise import summarise
from orchestrator.cli.reproduce import read_files
from orchestrator.results.reproduction import ClaimResult
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.variables import QUICK
from tests.unit.orchestrator.campaign.evaluation_fixtures import run_evaluation
from tests.unit.orchestrator.report.report_fixtures import findings, summary

Measured = Mapping[str, float | None]
RANKED: Measured = {"throughput": 1.0, "response_time_p99": 1.0}
"""What a campaign ranks its models by."""


def verdicts(
    name: str,
    measured: Callable[[Run], Measured],
    settings: Mapping[str, str] = MappingProxyType({}),
    tier: str = QUICK,
) -> list[ClaimResult]:
    """Return the verdicts on the claims of the file ``name``, with values of its variables."""
    (file,) = read_files([name], tier, settings)
    runs = [
        run_evaluation(run, {**RANKED, **run.case.inputs(), **measured(run)})
        for run in schedule(file.scenario)
    ]
    return list(summarise(findings(summary()), file.scenario, runs).claims)
