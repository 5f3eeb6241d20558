"""What a case's measures mean for its expectations, and a campaign for whoever called it.

Pure functions. What could not be measured has not passed.

What somebody guessed before a run, graded by what was measured and by what the twin says. A guess
decides nothing: a wrong one is where learning begins.
"""

import re
from collections.abc import Iterable, Sequence

from orchestrator.campaign.bootstrap import MIN_REPEATS, Values, share_of_resamples
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
"""Expected of every case whose scenario says nothing of that measure: it ends, and ends well.

But for a server that is not the lab's to end.
"""


def judge(
    expectations: Sequence[Expression], values: Values, repeats: Sequence[Values] = ()
) -> list[Expectation]:
    """Return what becomes of a case's expectations and of the implied ones.

    ``values`` are the case's measures by name, those of its groups as ``group.measure``;
    ``repeats`` are the same of each repeat, for expectations that ask for confidence.
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
    """Return what becomes of ``expectations``, and of nothing else."""
    return [_judge(each, values, repeats) for each in expectations]


def disturbances(validity: Sequence[Expression], values: Values) -> list[str]:
    """Return which rules of ``validity`` a run breaks; what nobody knows breaks none."""
    judged = judge_alone(validity, values, ())
    return [
        f"{each.expression} does not hold, {each.left} vs {each.right}"
        for each in judged
        if each.outcome is Outcome.FAILED
    ]


def _judge(expression: Expression, values: Values, repeats: Sequence[Values]) -> Expectation:
    found = expression.evaluate(values)
    outcome, reason = _OUTCOMES[found.passed], found.reason
    if expression.confidence is not None and found.passed is not None:
        outcome, reason = _with_confidence(expression, expression.confidence, repeats)
    left, right = (
        "" if side is None else format_value(side, found.dimension)
        for side in (found.left, found.right)
    )
    return Expectation(
        expression=expression.text, outcome=outcome, left=left, right=right, reason=reason
    )


def _with_confidence(
    expression: Expression, confidence: float, repeats: Sequence[Values]
) -> tuple[Outcome, str]:
    """Return what the repeats bear out, and why that is not more."""
    if len(repeats) < MIN_REPEATS:
        had = "1 repeat" if len(repeats) == 1 else f"{len(repeats)} repeats"
        return Outcome.INCONCLUSIVE, f"{had}; confidence takes repeats: {MIN_REPEATS} or more"
    share = share_of_resamples(expression, repeats)
    if share is None:
        return Outcome.UNKNOWN, "a repeat lacks a value"
    told = f"it holds in {share:.1%} of the resampled repeats"
    if share >= confidence:
        return Outcome.PASSED, told
    return (Outcome.FAILED if share <= 1 - confidence else Outcome.INCONCLUSIVE), told


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

    A case that did not end, or whose server crashed, has failed however well it was measured. Of
    any other case that is invalid as a measurement, no expectation counts, unless such cases are
    accepted.
    """
    if status is not Status.COMPLETE:
        return _OF_STATUS[status]
    codes = {_case_code(case, accept_invalid) for case in cases}
    codes |= {_code([each.outcome for each in found.expectations]) for found in comparisons}
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
    """Return how each guess compares; ``values`` are a case's measures, the twin's among them."""
    return [_grade(each, values) for each in guesses]


def _grade(guess: Expression, values: Values) -> Guess:
    measured = guess.evaluate(values)
    predicted = guess.evaluate(_of_twin(values))
    return Guess(
        expression=guess.text,
        grade=_GRADES[measured.passed],
        measured="" if measured.left is None else format_value(measured.left, measured.dimension),
        twin=_GRADES[predicted.passed],
        predicted=(
            "" if predicted.left is None else format_value(predicted.left, predicted.dimension)
        ),
    )


def _of_twin(values: Values) -> Values:
    """Return ``values`` as the twin has them: what it does not predict is unknown."""
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
