"""The values in an answer: of each case, of another one that a sentence names, and their order.

Pure functions of the values of a campaign; the words are in `orchestrator.campaign.answer`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
    """What a part of a sentence is for one case, and the ``total`` that it is a part of."""

    case: CaseValues
    found: Evaluation
    total: float | None = None

    @property
    def value(self) -> float | None:
        """The value, None if it is not known."""
        return self.found.left


@dataclass(frozen=True)
class Extremes:
    """The cases of an order that have a value, from the smallest to the largest.

    ``first`` cannot be told apart from the smallest, ``last`` not from the largest. More cases may
    take part if ``is_open``: of some it is not known whether they meet the condition.
    """

    rows: Sequence[Row]
    first: Sequence[Row]
    last: Sequence[Row]
    is_open: bool = False

    @property
    def ratio(self) -> float | None:
        """The largest value / the smallest; None of fewer than two, or if the smallest is 0."""
        if not self.rows[1:] or not self.rows[0].value or self.rows[-1].value is None:
            return None
        return self.rows[-1].value / self.rows[0].value


class Lookup:
    """Looks up what a sentence needs; ``missing`` are the measures without a value so far.

    ``cases`` are those that have ended, of those that were ``planned``.
    """

    def __init__(self, cases: Sequence[CaseValues], planned: Sequence[CaseKey] = ()) -> None:
        self.cases = cases
        self._planned = planned
        self.missing: list[str] = []

    def note(self, found: Evaluation, tree: Part | Relation) -> Evaluation:
        """Return ``found``, the result of ``tree``, and remember the measures that it lacks.

        If each has a value and the result is unknown, as after a division by 0, it lacks them all.
        """
        if found.passed is None:
            self.missing += found.missing or map(value_name, names_in(tree))
        return found

    def relation(self, relation: Relation, case: CaseValues) -> Evaluation:
        """Return whether ``relation`` holds for ``case``."""
        return evaluate(relation, COUNT, dict(self._values(relation, None, case)))

    def value(self, part: Part, about: Order | None, case: CaseValues) -> Evaluation:
        """Return the value of ``part`` for ``case``, in a sentence about an order."""
        return evaluate_value(part, COUNT, dict(self._values(part, about, case)))

    def rows(self, part: Part, about: Order | None, total: Part | None = None) -> list[Row]:
        """Return the value of ``part`` for each case, once for all that look up the same."""
        parts = [part] if total is None else [part, total]
        if isinstance(part, MeasureName) and about is not None and _is_elsewhere(part, about):
            cases = [row.case for row in self._at(part, about)]
            parts[0] = replace(part, model="")
        else:
            cases = list(self.clear_cases(*parts))
        rows: dict[object, Row] = {}
        for case in cases:
            names = [name for each in parts for name in names_in(each) if not _is_of_all(name)]
            source = tuple(id(self._subject(name, case)) for name in names)
            if source not in rows:
                whole = None if total is None else self.value(total, about, case).left
                rows[source] = Row(case, self.value(parts[0], about, case), whole)
        return list(rows.values())

    def clear_cases(self, *trees: Part | Relation) -> Sequence[CaseValues]:
        """Return the cases for which each name in ``trees`` means one case; all if there is none.

        For the one case of a model that ignores an axis, another model has several.
        """
        names = [name for tree in trees for name in names_in(tree) if not _is_of_all(name)]
        clear = [
            case for case in self.cases if not any(self._meant(each, case)[1:] for each in names)
        ]
        return clear or self.cases

    def extremes(self, order: Order) -> Extremes:
        """Return the cases that take part in ``order`` and have a value."""
        taking_part, is_open = list(self.cases), False
        if order.condition is not None:
            relation = order.condition
            met = [self.note(self.relation(relation, each), relation).passed for each in self.cases]
            taking_part = [case for case, passed in zip(self.cases, met, strict=True) if passed]
            is_open = None in met
        rows = [
            Row(case, self.note(self.value(order.measure, None, case), order.measure))
            for case in taking_part
        ]
        known = sorted((row for row in rows if row.value is not None), key=_value)
        first = [row for row in known if _is_alike(known[0], row, order)]
        last = [row for row in known if _is_alike(known[-1], row, order)]
        last = [row for row in last if row not in first] or last
        return Extremes(known, first, last, is_open)

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

    def _at(self, name: MeasureName, order: Order) -> Sequence[Row]:
        """Return the cases at the end of ``order`` that ``name`` means."""
        extremes = self.extremes(order)
        return extremes.last if is_largest(name.model, order.dimension) else extremes.first

    def _at_extreme(self, name: MeasureName, order: Order) -> float | None:
        """Return the measure at an end of ``order``; None if several cases are there and differ."""
        rows = self.extremes(order).rows
        if not rows:
            return None
        row, measure = rows[-1 if is_largest(name.model, order.dimension) else 0], name.name
        value, known = row.case.values.get(full_name(measure)), find_measure(measure)
        if value is not None and known is not None and _is_elsewhere(name, order):
            others = [each.case.values.get(full_name(measure)) for each in self._at(name, order)]
            if not all(o is not None and is_same(value, o, known.dimension) for o in others):
                return None
        return value

    def _subject(self, name: MeasureName, case: CaseValues) -> CaseValues | None:
        """Return the case that ``name`` means in a sentence for ``case``.

        None if it has not ended, or if there are several.
        """
        found = self._meant(name, case)
        return found[0] if len(found) == 1 else None

    def _meant(self, name: MeasureName, case: CaseValues) -> Sequence[CaseValues]:
        """Return the cases that ``name`` may mean, by its model, its point and ``case``.

        A point may be one case by itself, if the other axes move along with those that it names.
        """
        if not name.model and not name.point:
            return [case]
        wanted: Mapping[str, str] = dict(case.key.axes) | dict(name.point)
        of_model = [each for each in self.cases if each.key.model == (name.model or case.key.model)]
        found = [each for each in of_model if _agrees(each.key, wanted)]
        if not found and self._is_one_case(name, case):
            found = [each for each in of_model if _agrees(each.key, dict(name.point))]
        exact = [each for each in found if dict(each.key.axes).items() <= wanted.items()]
        return exact[:1] or found

    def _is_one_case(self, name: MeasureName, case: CaseValues) -> bool:
        """Return whether model and point of ``name`` are those of one planned case."""
        model, point = name.model or case.key.model, dict(name.point)
        agreeing = [key for key in self._planned if key.model == model and _agrees(key, point)]
        return bool(point) and len(agreeing) == 1


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


def _is_elsewhere(name: MeasureName, order: Order) -> bool:
    """Return whether ``name`` is another measure than that of ``order``, at an end of it."""
    own = order.measure
    is_own = isinstance(own, MeasureName) and full_name(own.name) == full_name(name.name)
    return name.model in EXTREMES and not is_own


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
