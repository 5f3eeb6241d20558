"""The values in an answer: of each case, of another one that a sentence names, and their order.

Pure functions of the values of a campaign; the words are in `orchestrator.campaign.answer`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.campaign.case_names import CaseKey
from orchestrator.campaign.repeats import intervals, medians
from orchestrator.measures.bounds import Values
from orchestrator.measures.dimensions import COUNT, RATE, Dimension
from orchestrator.measures.evaluate import Evaluation, evaluate, evaluate_value, value_name
from orchestrator.measures.registry import find_measure, full_name
from orchestrator.measures.syntax import (
    EXTREMES,
    RATIO,
    TIMED,
    MeasureName,
    Part,
    Relation,
    names_in,
)
from orchestrator.measures.template import Order

NOISE = 0.05
"""Values that differ by less, relative to the larger one, are the same in a sentence."""


@dataclass(frozen=True)
class CaseValues:
    """A case, and the values of each of its repeats by the name of the measure."""

    key: CaseKey
    repeats: Sequence[Values]
    values: Values = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", medians(self.repeats))


@dataclass(frozen=True)
class Row:
    """What a part of a sentence is for one case."""

    case: CaseValues
    found: Evaluation

    @property
    def value(self) -> float | None:
        """The value, None if it is not known."""
        return self.found.left


@dataclass(frozen=True)
class Extremes:
    """The cases of an order that have a value, from the smallest to the largest.

    ``first`` cannot be told apart from the smallest, ``last`` not from the largest.
    """

    rows: Sequence[Row]
    first: Sequence[Row]
    last: Sequence[Row]

    @property
    def ratio(self) -> float | None:
        """The largest value / the smallest; None of fewer than two, or if the smallest is 0."""
        if not self.rows[1:] or not self.rows[0].value or self.rows[-1].value is None:
            return None
        return self.rows[-1].value / self.rows[0].value


class Lookup:
    """Looks up what a sentence needs; ``missing`` are the measures without a value so far."""

    def __init__(self, cases: Sequence[CaseValues]) -> None:
        self.cases = cases
        self.missing: list[str] = []

    def note(self, found: Evaluation) -> Evaluation:
        """Return ``found``, and remember the measures that it lacks."""
        self.missing += found.missing
        return found

    def relation(self, relation: Relation, case: CaseValues) -> Evaluation:
        """Return whether ``relation`` holds for ``case``."""
        return evaluate(relation, COUNT, dict(self._values(relation, None, case)))

    def value(self, part: Part, about: Order | None, case: CaseValues) -> Evaluation:
        """Return the value of ``part`` for ``case``, in a sentence about an order."""
        return evaluate_value(part, COUNT, dict(self._values(part, about, case)))

    def rows(self, part: Part, about: Order | None) -> list[Row]:
        """Return the value of ``part`` for each case, once for all that look up the same."""
        rows: dict[object, Row] = {}
        for case in self.cases:
            names = [name for name in names_in(part) if not _is_of_all(name)]
            source = tuple(id(self._subject(name, case)) for name in names)
            if source not in rows:
                rows[source] = Row(case, self.value(part, about, case))
        return list(rows.values())

    def extremes(self, order: Order) -> Extremes:
        """Return the cases that take part in ``order`` and have a value."""
        taking_part = [
            case
            for case in self.cases
            if order.condition is None or self.note(self.relation(order.condition, case)).passed
        ]
        rows = [Row(case, self.note(self.value(order.measure, None, case))) for case in taking_part]
        known = sorted((row for row in rows if row.value is not None), key=_value)
        first = [row for row in known if _is_alike(known[0], row, order)]
        last = [row for row in known if _is_alike(known[-1], row, order)]
        return Extremes(known, first, [row for row in last if row not in first] or last)

    def _values(
        self, tree: Part | Relation, about: Order | None, case: CaseValues
    ) -> Iterator[tuple[str, float | None]]:
        """Yield the value of each name in ``tree``, as a sentence means it for ``case``."""
        for name in names_in(tree):
            if name.name == RATIO:
                yield value_name(name), self._ratio(name, about)
            elif _is_of_all(name) and about is not None:
                yield value_name(name), self._at_extreme(name, about)
            else:
                subject = self._subject(name, case)
                known: Values = {} if subject is None else subject.values
                yield value_name(name), known.get(full_name(name.name))

    def _ratio(self, name: MeasureName, about: Order | None) -> float | None:
        measure = find_measure(name.model) if name.model else None
        if measure is not None:
            about = Order(MeasureName(name.span, name.model), measure.dimension)
        return None if about is None else self.extremes(about).ratio

    def _at_extreme(self, name: MeasureName, order: Order) -> float | None:
        rows = self.extremes(order).rows
        if not rows:
            return None
        row = rows[-1] if is_largest(name.model, order.dimension) else rows[0]
        return row.case.values.get(full_name(name.name))

    def _subject(self, name: MeasureName, case: CaseValues) -> CaseValues | None:
        """Return the case that ``name`` means in a sentence for ``case``; None if none ended."""
        if not name.model and not name.point:
            return case
        wanted: Mapping[str, str] = dict(case.key.axes) | dict(name.point)
        found = [
            each
            for each in self.cases
            if each.key.model == (name.model or case.key.model)
            and _agrees(each.key, dict(name.point))
        ]
        exact = [each for each in found if dict(each.key.axes).items() <= wanted.items()]
        return next(iter(exact or (found if len(found) == 1 else ())), None)


def _agrees(key: CaseKey, point: Mapping[str, str]) -> bool:
    """Return whether a case has the values of ``point``, except on axes that its model ignores."""
    return all(point.get(axis, value) == value for axis, value in key.axes)


def is_same(one: float, other: float, dimension: Dimension) -> bool:
    """Return whether two values are the same in a sentence; whole numbers must be equal."""
    if dimension == COUNT and one == round(one) and other == round(other):
        return one == other
    return math.isclose(one, other, rel_tol=NOISE)


def is_largest(word: str, dimension: Dimension) -> bool:
    """Return whether ``word``, one of `EXTREMES`, means the largest value."""
    if dimension == RATE and word in TIMED:
        return word == "fastest"
    return word in ("slowest", "most")


def _is_of_all(name: MeasureName) -> bool:
    """Return whether ``name`` has the same value for each case: a ratio, or at an extreme."""
    return name.name == RATIO or name.model in EXTREMES


def _value(row: Row) -> float:
    return row.value or 0.0


def _is_alike(one: Row, other: Row, order: Order) -> bool:
    """Return whether two cases cannot be told apart: by the noise, or by their repeats."""
    if one is other or is_same(_value(one), _value(other), order.dimension):
        return True
    ends = [_interval(row.case, order) for row in (one, other)]
    if ends[0] is None or ends[1] is None:
        return False
    return ends[0][0] <= ends[1][1] and ends[1][0] <= ends[0][1]


def _interval(case: CaseValues, order: Order) -> tuple[float, float] | None:
    """Return the interval of the measure over the repeats of ``case``; None of a single one."""
    values = [evaluate_value(order.measure, COUNT, repeat).left for repeat in case.repeats]
    return intervals([{"": value} for value in values]).get("")
