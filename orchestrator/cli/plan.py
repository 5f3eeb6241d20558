"""Print what would run, in order, and about how long it takes; run nothing."""

import argparse
import sys
from collections.abc import Iterator

from orchestrator.cli.options import add_scenario, asked_scenario
from orchestrator.results.exit_codes import HOLDS
from orchestrator.scenario.estimate import START_AND_STOP_S, Estimate, estimate, total
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.scenario import INTERLEAVED, Scenario

BASIS = """\
about: the server's workers share the messages; each keeps a connection to its end
(from: nobody waits for anybody; to: one connection after another)
Told from the load alone. What a model makes of it, and what errors and slow or silent clients cost,
the run will tell.
"""
MINUTE_S, HOUR_S = 60, 3600
LONG = 2
"""Of so many minutes or hours on, they are the unit."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a scenario."""
    add_scenario(parser)


def execute(asked: argparse.Namespace) -> int:
    """Print each run and the sum."""
    sys.stdout.writelines(f"{line}\n" for line in lines(asked_scenario(asked)))
    sys.stdout.write(BASIS)
    return HOLDS


def lines(scenario: Scenario) -> Iterator[str]:
    """Yield the plan of ``scenario`` in lines."""
    runs = schedule(scenario)
    estimates = [estimate(run.case, scenario.timeout_s) for run in runs]
    yield scenario.intent
    for number, (run, each) in enumerate(zip(runs, estimates, strict=True), start=1):
        if scenario.order == INTERLEAVED and _begins_round(runs, number):
            yield f"round {run.repeat}"
        yield f"  [{number}/{len(runs)}] {run.name}: {_told(each)}"
    yield f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}: {_told(total(estimates))}"
    yield f"no longer than {duration(len(runs) * scenario.timeout_s)}: timeout ends each load"
    costs = [f"{duration(len(runs) * s)} ({name})" for name, s in START_AND_STOP_S.items()]
    yield f"starting and stopping adds about {' or '.join(costs)}"


def _begins_round(runs: list[Run], number: int) -> bool:
    run = runs[number - 1]
    return run.repeats > 1 and (number == 1 or runs[number - 2].repeat != run.repeat)


def _told(each: Estimate) -> str:
    least, likely, most = map(duration, (each.least_s, each.likely_s, each.most_s))
    return f"about {likely}" if least == most else f"about {likely} ({least} to {most})"


def duration(seconds: float) -> str:
    """Return a duration in as few digits as an estimate is worth."""
    for size_s, unit in ((HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= LONG * size_s:
            return f"{seconds / size_s:.1f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 two digits
