"""What a case's measures mean for its expectations, and a campaign for whoever called it.

Pure functions. What could not be measured has not passed.
"""

import re
from collections.abc import Iterable, Sequence

from orchestrator.dimensions import format_value
from orchestrator.expressions import Expression, parse_expression
from orchestrator.repeats import MIN_REPEATS, Values, share_of_resamples
from orchestrator.summary import CaseSummary, Comparison, Expectation, Outcome, Status

HOLDS, FAILS, MISUSED, BROKEN, INVALID, INTERRUPTED = 0, 1, 2, 3, 4, 130

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
