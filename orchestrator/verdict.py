"""What a case's measures mean for its expectations, and a campaign for whoever called it.

Pure functions. What could not be measured has not passed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from orchestrator.dimensions import format_value
from orchestrator.expressions import Expression, parse_expression
from orchestrator.summary import CaseSummary, Expectation, Outcome, Status

HOLDS, FAILS, MISUSED, BROKEN, INVALID, INTERRUPTED = 0, 1, 2, 3, 4, 130

IMPLIED = {
    "timed_out": parse_expression("timed_out == 0"),
    "server_exit_code": parse_expression("server_exit_code == 0"),
}
"""Expected of every case whose scenario says nothing of that measure: it ends, and ends well."""


def judge(
    expectations: Sequence[Expression],
    measures: Mapping[str, float | None],
    groups: Mapping[str, Mapping[str, float | None]] = MappingProxyType({}),
) -> list[Expectation]:
    """Return what becomes of a case's expectations and of the implied ones.

    ``groups`` are the measures of each client group by its name.
    """
    of_groups = {f"{group}.{name}": v for group, own in groups.items() for name, v in own.items()}
    values = {**measures, **of_groups}
    named = {word for each in expectations for word in re.findall(r"\w+", each.text)}
    implied = [each for measure, each in IMPLIED.items() if measure not in named]
    return [_judge(each, values) for each in (*expectations, *implied)]


def _judge(expression: Expression, values: Mapping[str, float | None]) -> Expectation:
    found = expression.evaluate(values)
    outcomes = {True: Outcome.PASSED, False: Outcome.FAILED, None: Outcome.UNKNOWN}
    left, right = (
        "" if side is None else format_value(side, found.dimension)
        for side in (found.left, found.right)
    )
    return Expectation(
        expression=expression.text,
        outcome=outcomes[found.passed],
        left=left,
        right=right,
        reason=found.reason,
    )


def exit_code(status: Status, cases: Iterable[CaseSummary]) -> int:
    """Return the exit code of a campaign; the most serious finding decides.

    A case that did not end, or whose server crashed, has failed however well it was measured. Of
    any other case that is invalid as a measurement, no expectation counts.
    """
    if status is not Status.COMPLETE:
        return BROKEN if status is Status.BROKEN else INTERRUPTED
    codes = {_case_code(case) for case in cases}
    return next((code for code in (FAILS, INVALID) if code in codes), HOLDS)


def _case_code(case: CaseSummary) -> int:
    implied = {each.text for each in IMPLIED.values()}
    failed = [each for each in case.expectations if each.outcome is Outcome.FAILED]
    if any(each.expression in implied for each in failed):
        return FAILS
    if case.invalid or any(each.outcome is Outcome.UNKNOWN for each in case.expectations):
        return INVALID
    return FAILS if failed else HOLDS
