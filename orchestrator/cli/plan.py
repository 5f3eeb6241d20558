"""``plan``: print the runs of a scenario in order, with an estimate of their duration."""

import argparse
from collections.abc import Iterator

from orchestrator.cli.estimates import Asked, estimates_of, nobody, twin_of
from orchestrator.cli.options import add_scenario
from orchestrator.cli.output import print_out
from orchestrator.cli.tuned_scenario import read_tuned_scenario
from orchestrator.measures.sentences import counted, joined
from orchestrator.results.exit_codes import HOLDS
from orchestrator.scenario.estimate import START_AND_STOP_S, Estimate, total
from orchestrator.scenario.plan import Run, plan_cases, schedule, tuned_think_times
from orchestrator.scenario.references import EVERY_MODEL
from orchestrator.scenario.scenario import INTERLEAVED, Scenario

NOTE = """\
The estimate is the simulation of each case that `predict` prints, on the CPUs of this machine. If
the model or its clients have no twin, or the load is long, it assumes instead that each worker
serves one connection to its end, and brackets show the shortest time (no client waits) and the
longest (one connection at a time). It leaves out faults, errors, and slow or silent clients.
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
    scenario = read_tuned_scenario(arguments)
    for line in plan_lines(scenario, twin_of(scenario)):
        print_out(line)
    print_out(NOTE)
    return HOLDS


def plan_lines(scenario: Scenario, ask: Asked = nobody) -> Iterator[str]:
    """Yield the lines of the plan of ``scenario``; ``ask`` is called once for each case."""
    runs, estimates = schedule(scenario), estimates_of(scenario, ask)
    yield scenario.intent
    for number, (run, each) in enumerate(zip(runs, estimates, strict=True), start=1):
        if scenario.order == INTERLEAVED and _begins_round(runs, number):
            yield f"round {run.repeat}"
        yield f"  [{number}/{len(runs)}] {run.name}: {_estimate_text(each)}"
    yield from _ignored_lines(scenario)
    for group in scenario.clients:
        if group.placed_on:
            yield f"{group.name}: on the host {group.placed_on}, with --backend swarm"
    for case in plan_cases(scenario):
        yield from (f"{case.name}: {text}" for text in tuned_think_times(scenario, case))
    yield f"{counted(len(runs), 'runs')}: {_estimate_text(total(estimates))}"
    yield f"at most {duration(len(runs) * scenario.timeout_s)}, because timeout ends each load"
    yield _retries_text(scenario, total(estimates))
    if scenario.repeats > 1:
        yield f"seeds: {VARYING if scenario.draws_vary else REPLAYED}"
    costs = [f"{duration(len(runs) * s)} ({name})" for name, s in START_AND_STOP_S.items()]
    yield f"starting and stopping adds about {' or '.join(costs)}"


def _retries_text(scenario: Scenario, planned: Estimate) -> str:
    """Return which runs take place again, and the time that this may take in all."""
    most = scenario.most_retries
    if not most:
        return "runs that other programs disturb are not repeated (retries_of_invalid: 0)"
    return (
        f"runs that other programs disturb are repeated at the end, at most {most} of each case, "
        f"until that has taken as long as the planned runs ({_estimate_text(planned)})"
    )


def _ignored_lines(scenario: Scenario) -> Iterator[str]:
    """Yield which models ignore axes, so that they have fewer cases than others."""
    models: dict[tuple[str, ...], list[str]] = {}
    for model, keys in scenario.ignores.items():
        models.setdefault(keys, []).append("every model" if model == EVERY_MODEL else model)
    for keys, names in models.items():
        verb = "ignores" if len(names) == 1 else "ignore"
        yield f"{joined(names)} {verb} {joined(keys)}: one case for all its values"


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
