"""Judges expectations, validity rules and guesses by measured values; decides the exit code.

Pure functions. An expectation of a measure that is unknown has not passed. A guess is graded by the
run and by the twin; it does not affect the exit code.
"""

import math
import re
from collections.abc import Iterable, Sequence

from orchestrator.campaign.bootstrap import MIN_REPEATS, Values, confidence_of
from orchestrator.measures.dimensions import format_value
from orchestrator.measures.expression import Expression, parse_expression
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.views import PREDICTED
from orchestrator.results.exit_codes import BROKEN, FAILS, HOLDS, INTERRUPTED, INVALID
from orchestrator.results.summary import (
    CaseSummary,
    Comparison,
    Expectation,
    Grade,
    Guess,
    Outcome,
    Status,
)

IMPLIED = {
    "timed_out": parse_expression("timed_out == 0"),
    "server_exit_code": parse_expression("server_exit_code == 0"),
}
"""Expected of every case whose scenario does not name the measure: it ends in time, with code 0.

A measure that is unknown, such as the exit code of a remote target, is not expected.
"""


def judge(
    expectations: Sequence[Expression], values: Values, repeats: Sequence[Values] = ()
) -> list[Expectation]:
    """Judge the expectations of a case and the implied ones.

    ``values`` are the case's measures by name, those of its groups as ``group.measure``;
    ``repeats`` are the same of each repeat, for expectations with a confidence.
    """
    named = {word for each in expectations for word in re.findall(r"\w+", each.text)}
    implied = [
        each
        for measure, each in IMPLIED.items()
        if measure not in named and values.get(measure) is not None
    ]
    return judge_alone((*expectations, *implied), values, repeats)


def judge_alone(
    expectations: Sequence[Expression], values: Values, repeats: Sequence[Values]
) -> list[Expectation]:
    """Judge ``expectations`` without the implied ones."""
    return [_judge(each, values, repeats) for each in expectations]


def broken_rules(validity: Sequence[Expression], values: Values) -> list[str]:
    """Return the rules of ``validity`` that a run breaks; an unknown measure breaks none."""
    judged = judge_alone(validity, values, ())
    return [
        f"{each.expression} does not hold, {each.left} vs {each.right}"
        for each in judged
        if each.outcome is Outcome.FAILED
    ]


def _judge(expression: Expression, values: Values, repeats: Sequence[Values]) -> Expectation:
    result = expression.evaluate(values)
    outcome, reason = _OUTCOMES[result.passed], result.reason
    if expression.confidence is not None and result.passed is not None:
        outcome, reason = _with_confidence(expression, expression.confidence, repeats)
    left, right = (
        "" if side is None else format_value(side, result.dimension)
        for side in (result.left, result.right)
    )
    return Expectation(
        expression=expression.text, outcome=outcome, left=left, right=right, reason=reason
    )


def _with_confidence(
    expression: Expression, confidence: float, repeats: Sequence[Values]
) -> tuple[Outcome, str]:
    """Return the outcome that the repeats support, and the reason for it."""
    fewest = max(MIN_REPEATS, math.ceil(math.log2(1 / (1 - confidence))))
    if len(repeats) < fewest:
        noun = "repeat" if len(repeats) == 1 else "repeats"
        reason = f"{len(repeats)} {noun}; confidence needs at least {fewest}"
        return Outcome.INCONCLUSIVE, reason
    reached = confidence_of(expression, repeats)
    if reached is None:
        return Outcome.UNKNOWN, "a repeat has no value"
    reason = f"confidence that it holds: {reached:.1%}"
    if reached >= confidence:
        return Outcome.PASSED, reason
    return (Outcome.FAILED if reached <= 1 - confidence else Outcome.INCONCLUSIVE), reason


_OF_STATUS = {
    Status.BROKEN: BROKEN,
    Status.INTERRUPTED: INTERRUPTED,
    Status.NONCONFORMING: FAILS,
}
_OUTCOMES = {True: Outcome.PASSED, False: Outcome.FAILED, None: Outcome.UNKNOWN}
UNDECIDED = (Outcome.UNKNOWN, Outcome.INCONCLUSIVE)


def exit_code(
    status: Status,
    cases: Iterable[CaseSummary],
    comparisons: Iterable[Comparison] = (),
    *,
    accept_invalid: bool = False,
) -> int:
    """Return the exit code of a campaign; the most serious finding decides.

    A case that timed out, or whose server crashed, has failed even if it is invalid as a
    measurement. The expectations of other invalid cases count only with ``accept_invalid``.
    """
    if status is not Status.COMPLETE:
        return _OF_STATUS[status]
    codes = {_case_code(case, accept_invalid) for case in cases}
    codes |= {_code([each.outcome for each in models.expectations]) for models in comparisons}
    return next((code for code in (FAILS, INVALID) if code in codes), HOLDS)


def _case_code(case: CaseSummary, accept_invalid: bool) -> int:
    implied = {each.text for each in IMPLIED.values()}
    failed = [each for each in case.expectations if each.outcome is Outcome.FAILED]
    if any(each.expression in implied for each in failed):
        return FAILS
    return (
        INVALID
        if case.invalid and not accept_invalid
        else _code([each.outcome for each in case.expectations])
    )


def _code(outcomes: Sequence[Outcome]) -> int:
    if any(outcome in UNDECIDED for outcome in outcomes):
        return INVALID
    return FAILS if Outcome.FAILED in outcomes else HOLDS


def grade(guesses: Sequence[Expression], values: Values) -> list[Guess]:
    """Grade ``guesses`` by a case's measures, which include the predicted ones."""
    return [_grade(each, values) for each in guesses]


def _grade(guess: Expression, values: Values) -> Guess:
    measured = guess.evaluate(values)
    predicted = guess.evaluate(_predicted_values(values))
    return Guess(
        expression=guess.text,
        grade=_GRADES[measured.passed],
        measured="" if measured.left is None else format_value(measured.left, measured.dimension),
        twin=_GRADES[predicted.passed],
        predicted=(
            "" if predicted.left is None else format_value(predicted.left, predicted.dimension)
        ),
    )


def _predicted_values(values: Values) -> Values:
    """Return the configured and the predicted values, by the names of the measured ones."""
    configured = {
        name: value
        for name, value in values.items()
        if name in MEASURES and MEASURES[name].kind == "input"
    }
    prefix = f"{PREDICTED}."
    return configured | {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix)
    }


_GRADES = {True: Grade.RIGHT, False: Grade.WRONG, None: Grade.UNKNOWN}
