"""The verdicts on the claims of a file, with figures that a test chooses."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from orchestrator.campaign.summarise import summarise
from orchestrator.cli.reproduce import read_files
from orchestrator.results.reproduction import ClaimResult, Verdict
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.variables import QUICK
from tests.unit.orchestrator.campaign.evaluation_fixtures import run_evaluation
from tests.unit.orchestrator.report.report_fixtures import findings, summary

REPRODUCED, INVERTED, _ = Verdict
SWAPS = [
    ("stevens_control", {"accept": "prefork_pass", "passing": "prefork"}, {2: INVERTED}),
    ("stevens_locks", {"woken": "prefork_lock", "locked": "prefork"}, {1: INVERTED}),
    (
        "stevens_balance",
        {"accept": "prefork_pass", "passing": "prefork"},
        dict.fromkeys(range(4), INVERTED),
    ),
    ("stevens_children", {"accept": "prefork_epoll"}, {1: REPRODUCED}),
    ("stevens_herd", {"shared": "prefork"}, {0: INVERTED}),
    ("head_of_line", {"long": "sleep=2s"}, {1: INVERTED}),
    ("head_of_line", {"workers": "1"}, {2: INVERTED}),
    ("zygos", {"one": "reuseport", "split": "prefork"}, {0: INVERTED, 1: INVERTED}),
    ("zygos_two", {"one": "reuseport", "split": "prefork"}, {0: INVERTED, 3: INVERTED}),
]
"""Files, variables that break them, and the claims that then contradict what is known.

In ``stevens_locks`` a lock replaces the kernel's wake-up in ``accept``, in ``stevens_children`` the
wake-up of all processes that of one.
"""

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
