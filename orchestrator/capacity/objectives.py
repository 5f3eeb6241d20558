"""The objectives of a capacity search: what ``--slo`` says must hold at a load.

The objective of a percentile, ``p99 < 50ms``, is judged message by message: it holds if the share
of late messages is below 1 - 0.99. Any other comparison is judged by its value in each trial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.capacity.trial import Flags
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.evaluate import NOISE, Evaluation
from orchestrator.measures.expression import Expression, parse_expression
from orchestrator.measures.hints import listed
from orchestrator.measures.percentiles import share_of, split_percentile
from orchestrator.measures.registry import ABOVE_SINGLE, full_name, is_input
from orchestrator.measures.syntax import ExpressionError, MeasureName, Part, names_in
from orchestrator.measures.views import VIEWS
from orchestrator.results.exit_codes import MisuseError

OF_MESSAGES = ("response_time", "exchange_time", "send_delay")
"""The measures of which each message has a duration; others have one for a user or connection."""

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class ObjectiveError(MisuseError):
    """A text is no objective; the message says what to write instead."""


@dataclass(frozen=True)
class Percentile:
    """A limit on a percentile: the share ``allowed`` of messages may be at or beyond ``limit_s``.

    ``measure`` is one of `OF_MESSAGES`; ``group`` is empty if the messages of all groups count.
    ``is_within``: a message that takes just ``limit_s`` is not late.
    """

    measure: str
    group: str
    allowed: float
    limit_s: float
    is_within: bool = False

    def late(self, durations_s: npt.NDArray[np.float64]) -> Flags:
        """Return which messages are late; one with the duration nan has no ack and is late."""
        within = durations_s <= self.limit_s if self.is_within else durations_s < self.limit_s
        flags: Flags = ~within
        return flags

    @property
    def limit(self) -> str:
        """The limit for a reader, ``50 ms``."""
        return format_value(self.limit_s, TIME)


@dataclass(frozen=True)
class Objective:
    """One objective; ``percentile`` is None if it is judged by its value in each trial."""

    text: str
    expression: Expression
    percentile: Percentile | None = None

    @property
    def is_exact(self) -> bool:
        """Whether it must hold in every trial: ``errors == 0`` is no matter of a mean."""
        return self.percentile is None and self.expression.comparison.operator in {"==", "!="}

    def margin(self, values: Mapping[str, float | None]) -> float | None:
        """Return how far the left side is on the wrong side of the right one, see `Trial.margins`.

        It is negative if and only if the objective holds; None if a value is missing.
        """
        found = self.expression.evaluate(values)
        if found.passed is None or found.left is None or found.right is None:
            return None
        distance = _distance(self.expression.comparison.operator, found)
        margin = distance / (abs(found.right) or 1.0)
        return min(margin, -NOISE) if found.passed else max(margin, NOISE)

    def value(self, values: Mapping[str, float | None]) -> float | None:
        """Return the left side in base units, or the percentile if that is on the right."""
        found = self.expression.evaluate(values)
        is_right = isinstance(self.expression.comparison.right, MeasureName) and not list(
            names_in(self.expression.comparison.left)
        )
        return found.right if is_right else found.left


def _distance(operator: str, found: Evaluation) -> float:
    left, right = found.left or 0.0, found.right or 0.0
    match operator:
        case "<" | "<=":
            return left - right
        case ">" | ">=":
            return right - left
        case "!=":
            return -abs(left - right)
    return abs(left - right) - (found.margin or 0.0)


def parse_objectives(texts: Sequence[str], groups: Sequence[str] = ()) -> tuple[Objective, ...]:
    """Return the objectives in ``texts``, for a scenario with these ``groups`` of clients.

    Raises:
        ObjectiveError: there are none, or one is no expression or cannot be judged at a load.
    """
    if not texts:
        raise ObjectiveError('no objective; write e.g. --slo "p99 < 50ms"')
    return tuple(_parse(text, groups) for text in dict.fromkeys(map(str.strip, texts)))


def _parse(text: str, groups: Sequence[str]) -> Objective:
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        message = f"--slo {text!r}, column {error.column}: {error.message}"
        raise ObjectiveError(message) from error
    if problem := _problem(expression, groups):
        raise ObjectiveError(f"--slo {text!r}: {problem}")
    return Objective(text, expression, _percentile_of(expression))


def _problem(expression: Expression, groups: Sequence[str]) -> str:
    """Return why an expression is no objective, and what to write; empty if it is one."""
    if expression.confidence is not None:
        return "the search has its own confidence; leave the clause out"
    if not any(not is_input(name.name) for name in expression.names):
        return "it names nothing that a run measures; write e.g. p99 < 50ms"
    for name in expression.names:
        if name.model or name.point:
            return f"an objective is judged for each case alone; write {name.name} without brackets"
        if name.group in VIEWS:
            return f"{name.group}.{name.own_name} is not of the whole run; write {name.own_name}"
        if name.group and groups and name.group not in groups:
            return f"no group is named {name.group!r}; allowed: {listed(groups)}"
    above = next((name for name in expression.value_names if name in ABOVE_SINGLE), "")
    needs = f"{above} needs a run of single beside it, which a search does not have"
    return needs if above else _percentile_problem(expression)


def _percentile_problem(expression: Expression) -> str:
    """Return why a comparison of a percentile of messages cannot be judged message by message."""
    written = [name.name for name in expression.names if _statistic(name)]
    if not written or _percentile_of(expression) is not None:
        return ""
    return (
        "a percentile needs an upper limit that is a plain duration, and nothing else; "
        f"write e.g. {written[0]} < 50ms"
    )


def _statistic(name: MeasureName) -> tuple[str, float] | None:
    """Return the measure and the share of a percentile of messages; None if it is none."""
    own_name = full_name(name.name).rpartition(".")[2]
    family, statistic = split_percentile(own_name) or ("", "")
    share = share_of(statistic)
    return None if share is None or family not in OF_MESSAGES else (family, share)


def _percentile_of(expression: Expression) -> Percentile | None:
    """Return the limit on a percentile of messages, None if the expression is anything else."""
    relation = expression.comparison
    left, right, operator = relation.left, relation.right, relation.operator
    if isinstance(right, MeasureName):
        left, right, operator = right, left, MIRRORED.get(operator, operator)
    limit_s = _constant(right, expression)
    if not isinstance(left, MeasureName) or operator not in {"<", "<="} or limit_s is None:
        return None
    if (statistic := _statistic(left)) is None or limit_s <= 0:
        return None
    measure, share = statistic
    # 1 - 0.999 is not 0.001 in floats, and both are compared with shares.
    return Percentile(measure, left.group, round(1 - share, 9), limit_s, operator == "<=")


def _constant(part: Part, expression: Expression) -> float | None:
    """Return the value of a side without names, None if it has some."""
    if list(names_in(part)):
        return None
    found = expression.evaluate({})
    return found.left if part is expression.comparison.left else found.right
