"""``predict``: print what the queueing model predicts for each case, without running it."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.campaign.answer import answer_of
from orchestrator.campaign.cheapest import Candidate, cheapest, cheapest_text
from orchestrator.campaign.verdict import grade, judge_predicted
from orchestrator.cli.options import add_json, add_scenario
from orchestrator.cli.output import say, write_out
from orchestrator.cli.screen import Screen
from orchestrator.cli.tuned_scenario import read_tuned_scenario
from orchestrator.execution.cpus import Cpus
from orchestrator.measures.dimensions import format_value
from orchestrator.measures.hints import unknown
from orchestrator.measures.registry import MEASURES, keyed
from orchestrator.results.exit_codes import HOLDS, MisuseError
from orchestrator.results.strict_json import to_json
from orchestrator.results.summary import Cheapest, Expectation, Grade, Outcome
from orchestrator.scenario.fields import PREDICTION_LOAD
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, plan_cases, tuned_think_times
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin.parameters import NONE, TYPICAL, Overhead
from orchestrator.twin.predict import NoTwinError, Prediction, predict

HEADINGS = {
    "makespan": "makespan",
    "throughput": "throughput",
    "utilization": "utilization",
    "response_time_mean": "mean response",
    "response_time_p50": "p50 response",
    "response_time_p99": "p99 response",
    "waiting_time_mean": "mean time waiting",
    "waiting_mean": "mean number waiting",
    "accept_queue_max": "max accept queue",
}
MANY_USERS = 500_000
FAULTS = (
    "faults: they are left out; this is the run as it would be without them, so neither its answer "
    "nor its expectations are predicted"
)
NOTE = """\
simulation: this load from its first connection to its last ack, {cpus:g} CPUs, overhead: {overhead}
A formula gives the steady state without overhead; a short run does not reach it. See docs/twin.md
"""


Predictions = Sequence[tuple[Case, Prediction | str]]
"""Each case with its prediction, or with the reason why there is none."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a scenario and the options of the predicted machine."""
    add_scenario(parser)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        dest="models",
        action="append",
        help="predict only this model; may be repeated",
    )
    parser.add_argument(
        "--cpus",
        metavar="N",
        type=_cpus,
        default=Cpus.of_this_process().usable,
        help="CPUs of the machine (default: those of this machine that may be used)",
    )
    parser.add_argument(
        "--overhead",
        choices=("typical", "none"),
        default="typical",
        help="time that messages and connections take besides their demands (default: typical)",
    )
    add_json(parser, "the predictions")


def _cpus(text: str) -> float:
    try:
        cpus = float(text)
    except ValueError:
        cpus = 0.0
    if not 0 < cpus <= 1024:  # noqa: PLR2004 more than any machine has
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not a number of CPUs; write e.g. 4")
    return cpus


def execute(arguments: argparse.Namespace) -> int:
    """Print a row for each case, and a row for its formula if there is one.

    Then how the predicted values grade expectations and guesses, and the cheapest case that holds.
    """
    scenario = read_tuned_scenario(arguments, PREDICTION_LOAD)
    chosen = arguments.models or scenario.models
    for model in chosen:
        if model not in scenario.models:
            raise MisuseError(f"--model: {unknown('model', model, scenario.models)}")
    overhead = TYPICAL if arguments.overhead == "typical" else NONE
    cases = [case for case in plan_cases(scenario) if case.model in chosen]
    predictions = []
    for number, case in enumerate(cases, start=1):
        if sum(group.peak_users for group in case.groups) >= MANY_USERS:
            say(f"predicting {case.name} ({number} of {len(cases)}), which may take a minute")
        predictions.append((case, _predict(case, arguments.cpus, overhead)))
    if arguments.json:
        write_out(
            to_json(_as_data(scenario, predictions, arguments.cpus, overhead), indent=2) + "\n"
        )
    else:
        screen = Screen()
        for line in prediction_lines(scenario, predictions, arguments.cpus, arguments.overhead):
            screen.print(line, markup=False, highlight=False, soft_wrap=True)
    return HOLDS


def _predict(case: Case, cpus: float, overhead: Overhead) -> Prediction | str:
    """Return the prediction for a case, or the reason why there is none."""
    try:
        return predict(case, discover_twins(), cpus, overhead)
    except NoTwinError as exc:
        return str(exc)


def prediction_lines(
    scenario: Scenario, predictions: Predictions, cpus: float, overhead: str
) -> Iterator[str]:
    """Yield the lines that show ``predictions``."""
    yield scenario.intent
    rows = [["case", "by", *HEADINGS.values()]]
    for case, prediction in predictions:
        if isinstance(prediction, Prediction):
            rows.append([case.name, "simulation", *_cells(prediction.figures)])
            if prediction.steady:
                rows.append(["", prediction.steady.formula, *_cells(prediction.steady.figures)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows if rows[1:] else ():
        first = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        rest = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        yield "  ".join([*first, *rest]).rstrip()
    for case, prediction in predictions:
        yield from (f"{case.name}: {text}" for text in tuned_think_times(scenario, case))
        remarks = [prediction] if isinstance(prediction, str) else prediction.remarks
        yield from (f"{case.name}: {remark}" for remark in remarks)
        if isinstance(prediction, Prediction):
            yield from _expectations(scenario, prediction)
            yield from _guesses(scenario, prediction)
    yield from _not_predicted(scenario, predictions)
    yield from map(cheapest_text, _cheapest(scenario, predictions))
    if scenario.faults:
        yield FAULTS
    yield NOTE.format(cpus=cpus, overhead=overhead).rstrip()
    yield from _answer(scenario, predictions)


def _answer(scenario: Scenario, predictions: Predictions) -> list[str]:
    """Return the sentences of the scenario's answer with the predicted values; none with faults."""
    if scenario.faults:
        return []
    found = [
        (case, [each.as_measured]) for case, each in predictions if isinstance(each, Prediction)
    ]
    return [f"predicted: {each}" for each in answer_of(scenario, found)]


def _judged(scenario: Scenario, prediction: Prediction) -> list[Expectation]:
    """Judge the expectations of a case by the predicted values; none of a run with faults."""
    if scenario.faults:
        return []
    expectations = scenario.expectations(prediction.case.model)
    return judge_predicted(expectations, prediction.as_measured)


def _expectations(scenario: Scenario, prediction: Prediction) -> Iterator[str]:
    """Yield how the predicted values grade the expectations of a case, in a line."""
    decided = [
        each for each in _judged(scenario, prediction) if each.outcome is not Outcome.UNKNOWN
    ]
    failed = [
        f"{each.expression} fails ({each.left} vs {each.right})"
        for each in decided
        if each.outcome is Outcome.FAILED
    ]
    if decided:
        yield f"{prediction.case.name}: {'; '.join(failed) or 'holds'}"


def _not_predicted(scenario: Scenario, predictions: Predictions) -> Iterator[str]:
    """Yield a line with the expectations that cannot be predicted, if there are any."""
    unknown_ones = [
        each.expression
        for _, prediction in predictions
        if isinstance(prediction, Prediction)
        for each in _judged(scenario, prediction)
        if each.outcome is Outcome.UNKNOWN
    ]
    if unknown_ones:
        yield f"cannot be predicted: {'; '.join(dict.fromkeys(unknown_ones))}"


def _cheapest(scenario: Scenario, predictions: Predictions) -> list[Cheapest]:
    """Return the cheapest cases of which no expectation fails and at least one holds."""
    candidates = []
    for case, prediction in predictions:
        if isinstance(prediction, Prediction):
            outcomes = {each.outcome for each in _judged(scenario, prediction)} - {Outcome.UNKNOWN}
            workers = prediction.as_measured["workers"]
            if outcomes:
                holds = Outcome.FAILED not in outcomes
                candidates.append(Candidate(case.name, case.axes, workers, holds))
    return cheapest(candidates)


def _guesses(scenario: Scenario, prediction: Prediction) -> Iterator[str]:
    """Yield a line for each guess about measures that the model predicts."""
    case = prediction.case
    for guess in grade(scenario.guesses(case.model), prediction.values):
        if guess.twin is not Grade.UNKNOWN:
            if guess.twin is Grade.NO_GUESS:
                yield f"{case.name}: no guess was made for {guess.expression}"
            else:
                graded = f"{guess.expression} is {guess.twin}; predicted: {guess.predicted}"
                yield f"{case.name}: your guess {graded}"


def _cells(figures: dict[str, float | None]) -> Iterator[str]:
    for name in HEADINGS:
        value = figures.get(name)
        yield "" if value is None else format_value(value, MEASURES[name].dimension)


def _as_data(
    scenario: Scenario, predictions: Predictions, cpus: float, overhead: Overhead
) -> dict[str, Any]:
    return {
        "cpus": cpus,
        "overhead": asdict(overhead),
        "answer": _answer(scenario, predictions),
        "cases": [
            {
                "name": case.name,
                "model": case.model,
                "axes": dict(case.axes),
                "tuned": scenario.tuned.get(case.name, {}),
                **_case_data(scenario, each),
            }
            for case, each in predictions
        ],
        "cheapest": [each.model_dump() for each in _cheapest(scenario, predictions)],
    }


def _case_data(scenario: Scenario, prediction: Prediction | str) -> dict[str, Any]:
    if isinstance(prediction, str):
        nothing = {"figures": None, "formula": None, "steady": None}
        return {**nothing, "remarks": [prediction], "expectations": []}
    steady = prediction.steady
    return {
        "figures": keyed(prediction.figures),
        "formula": steady and steady.formula,
        "steady": steady and keyed(steady.figures),
        "remarks": list(prediction.remarks),
        "expectations": [each.model_dump() for each in _judged(scenario, prediction)],
    }
