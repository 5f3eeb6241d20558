"""Print what the queueing twin predicts of each case; run nothing."""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.campaign.verdict import grade
from orchestrator.cli.findings import Screen
from orchestrator.cli.options import add_json, add_scenario
from orchestrator.cli.output import say, write_out
from orchestrator.measures.dimensions import format_value
from orchestrator.measures.hints import unknown
from orchestrator.measures.registry import MEASURES
from orchestrator.results.exit_codes import HOLDS, MISUSED
from orchestrator.results.summary import Grade
from orchestrator.scenario.fields import PREDICTION_LOAD
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import discover_models, discover_twins
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin.parameters import NONE, TYPICAL, Overhead
from orchestrator.twin.predict import NoTwinError, Prediction, predict

COLUMNS = {
    "makespan": "makespan",
    "throughput": "throughput",
    "utilization": "utilization",
    "response_time_mean": "response mean",
    "response_time_p50": "p50",
    "response_time_p99": "p99",
    "waiting_time_mean": "wait mean",
    "waiting_mean": "waiting",
    "accept_queue_max": "accept queue",
}
BASIS = """\
simulated: this very load, from its first connection to its last ack, on {cpus:g} CPUs, {overhead}
A formula is of the steady state, without overhead; a short run has not reached it. docs/twin.md
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a scenario, and what the machine would be."""
    add_scenario(parser)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        dest="models",
        action="append",
        help="predict this model only; may be repeated",
    )
    parser.add_argument(
        "--cpus",
        metavar="N",
        type=_cpus,
        default=float(len(os.sched_getaffinity(0))),
        help="CPUs of the machine (default: of this one)",
    )
    parser.add_argument(
        "--overhead",
        choices=("typical", "none"),
        default="typical",
        help="what messages and connections cost beside their demands (default: typical)",
    )
    add_json(parser, "the predictions")


def _cpus(text: str) -> float:
    cpus = float(text)
    if not 0 < cpus <= 1024:  # noqa: PLR2004 more than any machine has
        raise argparse.ArgumentTypeError(f"{text!r:.60} is no number of CPUs, e.g. 4")
    return cpus


def execute(asked: argparse.Namespace) -> int:
    """Print a row for each case, and its formula beneath, where there is one."""
    scenario = load_scenario(
        asked.scenario, discover_models(), dict(asked.settings), PREDICTION_LOAD
    )
    chosen = asked.models or scenario.models
    for model in chosen:
        if model not in scenario.models:
            say(f"orchestrate.py: --model: {unknown('model', model, scenario.models)}")
            return MISUSED
    overhead = TYPICAL if asked.overhead == "typical" else NONE
    cases = [case for case in plan_cases(scenario) if case.model in chosen]
    told = [(case, _predict(case, asked.cpus, overhead)) for case in cases]
    if asked.json:
        write_out(json.dumps(_plain(told, asked.cpus, overhead), indent=2) + "\n")
    else:
        screen = Screen()
        for line in lines(scenario, told, asked.cpus, asked.overhead):
            screen.print(line, markup=False, highlight=False, soft_wrap=True)
    return HOLDS


Told = Sequence[tuple[Case, Prediction | str]]


def _predict(case: Case, cpus: float, overhead: Overhead) -> Prediction | str:
    """Return the prediction of a case, or why there is none."""
    try:
        return predict(case, discover_twins(), cpus, overhead)
    except NoTwinError as exc:
        return str(exc)


def lines(scenario: Scenario, told: Told, cpus: float, overhead: str) -> Iterator[str]:
    """Yield what was predicted as lines."""
    yield scenario.intent
    rows = [["case", "by", *COLUMNS.values()]]
    for case, prediction in told:
        if isinstance(prediction, Prediction):
            rows.append([case.name, "simulation", *_cells(prediction.figures)])
            if prediction.steady:
                rows.append(["", prediction.steady.formula, *_cells(prediction.steady.figures)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        rest = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        yield "  ".join([*first, *rest]).rstrip()
    for case, prediction in told:
        remarks = [prediction] if isinstance(prediction, str) else prediction.remarks
        yield from (f"{case.name}: {remark}" for remark in remarks)
        if isinstance(prediction, Prediction):
            yield from _guesses(scenario, prediction)
    yield BASIS.format(cpus=cpus, overhead=f"overhead: {overhead}").rstrip()


def _guesses(scenario: Scenario, prediction: Prediction) -> Iterator[str]:
    """Yield what the twin says of each guess of the scenario that is of what it predicts."""
    case = prediction.case
    for guess in grade(scenario.guesses(case.model), prediction.values):
        if guess.twin is not Grade.UNKNOWN:
            told = f"{case.name}: you guessed {guess.expression}: the twin says {guess.predicted}"
            yield f"{told}, so it is {guess.twin}"


def _cells(figures: dict[str, float | None]) -> Iterator[str]:
    for name in COLUMNS:
        value = figures.get(name)
        yield "" if value is None else format_value(value, MEASURES[name].dimension)


def _plain(told: Told, cpus: float, overhead: Overhead) -> dict[str, Any]:
    return {
        "cpus": cpus,
        "overhead": asdict(overhead),
        "cases": [
            {"name": case.name, "model": case.model, "axes": dict(case.axes), **_of_case(each)}
            for case, each in told
        ],
    }


def _of_case(prediction: Prediction | str) -> dict[str, Any]:
    if isinstance(prediction, str):
        return {"figures": None, "formula": None, "steady": None, "remarks": [prediction]}
    steady = prediction.steady
    return {
        "figures": _keyed(prediction.figures),
        "formula": steady and steady.formula,
        "steady": steady and _keyed(steady.figures),
        "remarks": list(prediction.remarks),
    }


def _keyed(figures: dict[str, float | None]) -> dict[str, float | None]:
    return {MEASURES[name].key: value for name, value in figures.items()}
