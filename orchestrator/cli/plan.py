"""``plan``: print the runs of a scenario in order, with an estimate of their duration."""

import argparse
import sys
from collections.abc import Iterator

from orchestrator.cli.options import add_scenario, read_scenario
from orchestrator.results.exit_codes import HOLDS
from orchestrator.scenario.estimate import START_AND_STOP_S, Estimate, estimate, total
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.scenario import INTERLEAVED, Scenario

NOTE = """\
The estimate assumes that each worker of the server serves one connection to its end.
In brackets: the shortest time (no client waits) and the longest (one connection at a time).
It depends on the load alone, not on the model, on errors, or on slow or silent clients.
"""
VARYING = "each repeat draws anew, the same for all models (vary)"
REPLAYED = "all repeats draw the same (fixed)"
MINUTE_S, HOUR_S = 60, 3600
MIN_UNITS = 2
"""Minutes and hours are used from this number on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a scenario."""
    add_scenario(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print all runs and their total."""
    sys.stdout.writelines(f"{line}\n" for line in plan_lines(read_scenario(arguments)))
    sys.stdout.write(NOTE)
    return HOLDS


def plan_lines(scenario: Scenario) -> Iterator[str]:
    """Yield the lines of the plan of ``scenario``."""
    runs = schedule(scenario)
    estimates = [estimate(run.case, scenario.timeout_s) for run in runs]
    yield scenario.intent
    for number, (run, each) in enumerate(zip(runs, estimates, strict=True), start=1):
        if scenario.order == INTERLEAVED and _begins_round(runs, number):
            yield f"round {run.repeat}"
        yield f"  [{number}/{len(runs)}] {run.name}: {_estimate_text(each)}"
    yield f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}: {_estimate_text(total(estimates))}"
    yield f"at most {duration(len(runs) * scenario.timeout_s)}, because timeout ends each load"
    if scenario.repeats > 1:
        yield f"seeds: {VARYING if scenario.draws_vary else REPLAYED}"
    costs = [f"{duration(len(runs) * s)} ({name})" for name, s in START_AND_STOP_S.items()]
    yield f"starting and stopping adds about {' or '.join(costs)}"


def _begins_round(runs: list[Run], number: int) -> bool:
    run = runs[number - 1]
    return run.repeats > 1 and (number == 1 or runs[number - 2].repeat != run.repeat)


def _estimate_text(each: Estimate) -> str:
    least, likely, most = map(duration, (each.least_s, each.likely_s, each.most_s))
    return f"about {likely}" if least == most else f"about {likely} ({least} to {most})"


def duration(seconds: float) -> str:
    """Return a duration with two digits or three, as an estimate is not more precise."""
    for size_s, unit in ((HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= MIN_UNITS * size_s:
            return f"{seconds / size_s:.1f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 two digits
