"""Arithmetic in the numbers of a scenario: ``rate: 0.7 * workers / service_time``.

A key of server, limits or a group may be computed from other keys, and so may a value of the
matrix. All are computed at each point of the matrix, before anything else is checked: the scenario
that is stored has the values, and those that differ between points are axes of its matrix.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.workload.distributions import Demands, DemandsError
from orchestrator.measures.check import check_value
from orchestrator.measures.dimensions import TIME, Dimension
from orchestrator.measures.evaluate import evaluate_value, value_name
from orchestrator.measures.grammar import parse_value
from orchestrator.measures.hints import MAX_QUOTED_CHARS, label, quote
from orchestrator.measures.syntax import FUNCTIONS, ExpressionError, MeasureName, Part, names_in
from orchestrator.scenario.axis_numbers import (
    FORMS,
    InvalidNumberError,
    Number,
    dimension_of,
    plain_number,
    written_number,
)
from orchestrator.scenario.clients import section_of
from orchestrator.scenario.fields import MAX_LOAD, RUN_LOAD, MaxLoad
from orchestrator.scenario.matrix import (
    MAX_VALUES,
    SECTIONS,
    Axis,
    AxisValue,
    axes_of,
    value_problem,
)
from orchestrator.scenario.server import ServerSettings
from orchestrator.scenario.yaml_document import Document, Location

OPERATIONS = rf"[*+]|\s[-/]\s|^\s*(?:{'|'.join(FUNCTIONS)})\("
"""What a text has if it is arithmetic; the name of a key alone is arithmetic, too."""

MAX_CHAIN = 50
SERVICE_TIME, DEMAND = "service_time", "demand"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_DEFAULTS = ServerSettings().complete().model_dump(exclude_none=True)
"""The settings that a server has if a scenario sets none."""


@dataclass(frozen=True)
class _Slot:
    """A value as it is written, the axis that it is a value of, and its location in the file."""

    name: str
    axis: Axis
    value: Any
    location: Location

    @property
    def source(self) -> str:
        """The value in one line, for messages."""
        text = " ".join(str(self.value).split())
        return text if text.isprintable() and len(text) <= MAX_QUOTED_CHARS else quote(text)


_Slots = Mapping[str, _Slot]
"""The values at one point of the matrix, by the names of their axes."""


def resolve_arithmetic(document: Document, max_load: MaxLoad = RUN_LOAD) -> None:
    """Replace all arithmetic in ``document`` by values; add what is wrong to its problems.

    ``max_load`` is the largest load that the scenario may ask for.
    """
    texts = _Texts(document, max_load)
    base = dict(texts.base())
    written = list(itertools.islice(texts.points(), MAX_VALUES + 1))
    slots = itertools.chain(base.values(), *(point.values() for point in written))
    computed = {each.location for each in slots if texts.tree(each) is not None}
    if len(written) > MAX_VALUES and computed:
        document.note(("matrix",), f"more than {MAX_VALUES} points; write fewer values")
        document.refused |= computed
    elif not written:  # the matrix has a problem of its own
        document.refused |= computed
    elif computed:
        values = [_Point(texts, base | point, point).values() for point in written]
        if document.refused & computed:
            document.refused |= computed
        else:
            _write_base(document, base, [*values, texts.replaced(base, written)])
            _write_matrix(document, base, written, values)


class _Texts:
    """The values in a document as it is written, and the trees of those that are arithmetic."""

    def __init__(self, document: Document, max_load: MaxLoad) -> None:
        self.document, self._max_load = document, max_load
        data = document.data
        groups = data.get("clients")
        written = groups if isinstance(groups, list) else []
        self._groups = [each if isinstance(each, dict) else {} for each in written]
        self._names = [str(each.get("name")) for each in self._groups]
        self.axes = axes_of([*zip(self._names, map(section_of, self._groups), strict=True)])
        self._trees: dict[Location, Part | None] = {}

    def base(self) -> Iterator[tuple[str, _Slot]]:
        """Yield the values of server, limits and groups, by the names of their axes."""
        for name, axis in self.axes.items():
            if axis.group is None:
                section, where = self._section(SECTIONS[axis.section])
            else:
                section, where = self._groups[axis.group], ("clients", axis.group)
            if isinstance(section, dict) and axis.key in section:
                yield name, _Slot(name, axis, section[axis.key], (*where, axis.key))

    def _section(self, where: Location) -> tuple[Any, Location]:
        """Return what the document has at ``where``, None if it has nothing; and ``where``."""
        found: Any = self.document.data
        for step in where:
            found = found.get(step) if isinstance(found, dict) else None
        return found, where

    def points(self) -> Iterator[dict[str, _Slot]]:
        """Yield the values of each point of the matrix; none if it is not valid."""
        matrix = self.document.data.get("matrix", {})
        if isinstance(matrix, list) and all(isinstance(point, dict) for point in matrix):
            for index, point in enumerate(matrix):
                found = {name: (each, ("matrix", index, name)) for name, each in point.items()}
                yield self._slots(found)
        elif isinstance(matrix, dict) and all(isinstance(each, list) for each in matrix.values()):
            columns = [
                [(each, ("matrix", name, index)) for index, each in enumerate(values)]
                for name, values in matrix.items()
            ]
            for chosen in itertools.product(*columns):
                yield self._slots(dict(zip(matrix, chosen, strict=True)))

    def replaced(self, base: _Slots, points: Sequence[_Slots]) -> dict[str, AxisValue]:
        """Return what replaces arithmetic of ``base`` at the first of ``points`` in the matrix.

        A value that is not allowed is a problem of the matrix.
        """
        found: dict[str, AxisValue] = {}
        names = [name for name, slot in base.items() if self.tree(slot) is not None]
        for point in points:
            for slot in (point[name] for name in names if name in point):
                if self.tree(slot) is None and (problem := self.problem_of(slot.axis, slot.value)):
                    self.refuse(slot, problem)
                    self.document.refused.add(base[slot.name].location)
                found.setdefault(slot.name, slot.value)
        return found

    def axis_name(self, name: str, group: int | None) -> str | None:
        """Return the axis that ``name`` means in a value of a group, None if there is none.

        A group's own keys need no ``group.`` before them.
        """
        own = None if group is None else self.of_groups(name)[group]
        found = own if own in self.axes else name
        return found if found in self.axes and dimension_of(self.axes[found]) else None

    def nameable(self) -> dict[str, Dimension]:
        """Return what arithmetic may name, with its dimension."""
        found = {name: dimension_of(axis) for name, axis in self.axes.items()}
        return {name: each for name, each in found.items() if each is not None}

    def of_groups(self, key: str) -> list[str]:
        """Return the name of the axis ``key`` of each group."""
        return [f"{name}.{key}" if len(self._names) > 1 else key for name in self._names]

    def _slots(self, written: Mapping[str, tuple[Any, Location]]) -> dict[str, _Slot]:
        return {
            name: _Slot(name, self.axes[name], *each)
            for name, each in written.items()
            if name in self.axes
        }

    def tree(self, slot: _Slot) -> Part | None:
        """Return the tree of a value that is arithmetic, None for any other."""
        if slot.location not in self._trees:
            self._trees[slot.location] = self._parsed(slot) if self._is_arithmetic(slot) else None
        return self._trees[slot.location]

    def _is_arithmetic(self, slot: _Slot) -> bool:
        if not isinstance(slot.value, str) or dimension_of(slot.axis) is None:
            return False
        if self.problem_of(slot.axis, slot.value) is None:
            return False
        known = {key.rpartition(".")[2] for key in (*self.axes, *_DEFAULTS)}
        words = {word.rpartition(".")[2] for word in _WORD.findall(slot.value)}
        return bool(re.search(OPERATIONS, slot.value) or words & known)

    def _parsed(self, slot: _Slot) -> Part | None:
        try:
            return parse_value(slot.value)
        except ExpressionError as error:
            self.refuse(slot, error.message, error.column)
            return None

    def problem_of(self, axis: Axis, value: object) -> str | None:
        """Return why a key may not have ``value``, None if it may."""
        return value_problem(axis, value, {MAX_LOAD: self._max_load})

    def refuse(self, slot: _Slot, message: str, column: int = 0) -> None:
        """Add a problem of ``slot``, unless it has one; further errors there follow from it."""
        if slot.location not in self.document.refused:
            self.document.refused.add(slot.location)
            self.document.note(slot.location, message, column)


class _Point:
    """The values at one point: ``slots`` by the names of axes; the matrix has ``own`` of them."""

    def __init__(self, texts: _Texts, slots: _Slots, own: _Slots) -> None:
        self._texts, self._slots = texts, slots
        plain = [each for each in own.values() if texts.tree(each) is None]
        self._at = ",".join(f"{label(each.name)}={each.source}" for each in plain)
        self._begun: list[str] = []
        self._known: dict[str, Number | None] = {}
        self._invalid: set[str] = set()

    def values(self) -> dict[str, AxisValue]:
        """Return the values of the arithmetic at this point, by the names of their axes."""
        found: dict[str, AxisValue] = {}
        for name, slot in self._slots.items():
            if self._texts.tree(slot) is not None:
                try:
                    number = self._number(name)
                    found[name] = written_number(*number) if number else slot.value
                except InvalidNumberError:
                    self._texts.document.refused.add(slot.location)
        return found

    def _number(self, name: str) -> Number | None:
        """Return the value of a key in base units; None if it is not a number.

        Raises:
            InvalidNumberError: it is invalid, which is reported.
        """
        if name in self._invalid:
            raise InvalidNumberError
        if name not in self._known:
            try:
                self._known[name] = self._read(name)
            except InvalidNumberError:
                self._invalid.add(name)
                raise
        return self._known[name]

    def _read(self, name: str) -> Number | None:
        slot = self._slots.get(name)
        if slot is None:
            return plain_number(_DEFAULTS[name], self._texts.axes[name])
        tree = self._texts.tree(slot)
        if tree is None:
            self._check_matrix_value(slot)
            return plain_number(slot.value, slot.axis)
        if name in self._begun:
            chain = map(label, (*self._begun[self._begun.index(name) :], name))
            raise self._error(slot, f"{label(name)} depends on itself: {' -> '.join(chain)}")
        if len(self._begun) >= MAX_CHAIN:
            raise self._error(slot, f"more than {MAX_CHAIN} values that follow from each other")
        self._begun.append(name)
        try:
            return self._computed(slot, tree)
        finally:
            self._begun.pop()

    def _check_matrix_value(self, slot: _Slot) -> None:
        """Report a value that is not allowed: nothing else does if a group is invalid."""
        if slot.location[0] == "matrix":
            problem = self._texts.problem_of(slot.axis, slot.value)
            if problem is not None:
                raise self._error(slot, problem)

    def _computed(self, slot: _Slot, tree: Part) -> Number:
        found = {part: self._named(part, slot) for part in names_in(tree)}
        numbers = {part: each for part, each in found.items() if each is not None}
        dimensions = {part.name: dimension for part, (_, dimension) in numbers.items()}
        try:
            dimension = check_value(tree, slot.value, self._texts.nameable() | dimensions)
        except ExpressionError as error:
            raise self._error(slot, error.message, error.column) from None
        values = {value_name(part): value for part, (value, _) in numbers.items()}
        result = evaluate_value(tree, dimension, values)
        if result.left is None:
            raise self._error(slot, f"{slot.source}: {result.reason}{self._place()}")
        self._check(slot, result.left, dimension)
        return result.left, dimension

    def _check(self, slot: _Slot, value: float, dimension: Dimension) -> None:
        """Check that the key may have this value."""
        needed = dimension_of(slot.axis)
        if dimension != needed and needed is not None:
            key = slot.axis.key
            raise self._error(slot, f"{slot.source} is {dimension}, and {key} is {FORMS[needed]}")
        plain = written_number(value, dimension)
        if problem := self._texts.problem_of(slot.axis, plain):
            hint = "; round it with ceil or floor" if isinstance(plain, float) else ""
            raise self._error(slot, f"{slot.source} is {plain}{self._place()}: {problem}{hint}")

    def _place(self) -> str:
        return f" at {self._at}" if self._at else ""

    def _error(self, slot: _Slot, message: str, column: int = 0) -> InvalidNumberError:
        self._texts.refuse(slot, message, column)
        return InvalidNumberError()

    def _named(self, part: MeasureName, slot: _Slot) -> Number | None:
        """Return the value of the key that a name in ``slot`` means; None if there is no such key.

        Raises:
            InvalidNumberError: it has no number as its value.
        """
        name = self._texts.axis_name(part.name, slot.axis.group)
        if part.name == SERVICE_TIME:
            return self._service_time(slot, part)
        if part.model:
            return None
        if name is None:
            if part.name in self._texts.axes:
                raise self._no_number(part, slot)
            return None
        if name not in self._slots and name not in _DEFAULTS:
            message = f"{part.name} has no value in this scenario; write one"
            raise self._error(slot, message, part.span.column)
        number = self._number(name)
        if number is None:
            raise self._no_number(part, slot)
        return number

    def _no_number(self, part: MeasureName, slot: _Slot) -> InvalidNumberError:
        message = f"{part.name} is not a number in this scenario"
        return self._error(slot, message, part.span.column)

    def _service_time(self, slot: _Slot, part: MeasureName) -> Number:
        """Return the mean demand of a message: of the slot's group, or of all if they agree."""
        demands = self._texts.of_groups(DEMAND)
        if slot.axis.group is not None:
            demands = demands[slot.axis.group : slot.axis.group + 1]
        times = {self._demand_s(name) for name in demands} or {self._demand_s("")}
        if len(times) > 1:
            message = "service_time differs between groups; write the time itself"
            raise self._error(slot, message, part.span.column)
        return times.pop()

    def _demand_s(self, name: str) -> Number:
        """Return the mean of the demand ``name``; without one, the server's service time."""
        if name not in self._slots:
            return self._number(SERVICE_TIME) or (0.0, TIME)
        self._check_matrix_value(self._slots[name])
        written = self._slots[name].value
        text = ", ".join(map(str, written)) if isinstance(written, list) else str(written)
        try:
            return Demands.parse(text).mean_s, TIME
        except DemandsError:
            raise InvalidNumberError from None


_Values = Mapping[str, AxisValue]
"""What the arithmetic of one point comes to, by the names of its axes."""


def _write_base(document: Document, base: _Slots, values: Sequence[_Values]) -> None:
    """Write what is computed for server, limits and groups: the first of ``values``."""
    for name, slot in base.items():
        found = [each[name] for each in values if name in each]
        if found and not isinstance(slot.value, int | float):
            section = document.data
            for step in slot.location[:-1]:
                section = section[step]  # type: ignore[index]
            section[slot.axis.key] = found[0]


def _write_matrix(
    document: Document, base: _Slots, written: Sequence[_Slots], values: Sequence[_Values]
) -> None:
    """Write the points, with the values that differ between them, and where each comes from."""
    of_points = {name for point in written for name in point}
    own = {name for each in values for name in each} & of_points
    differing = [
        name for name in base.keys() - of_points if len({each.get(name) for each in values}) > 1
    ]
    if not own and not differing:
        return
    places, matrix = document.places, []
    for index, (point, found) in enumerate(zip(written, values, strict=True)):
        slots = {**point, **{name: base[name] for name in base if name in differing}}
        matrix.append({name: found.get(name, slot.value) for name, slot in slots.items()})
        for name, slot in slots.items():
            places["matrix", index, name] = places[document.existing(slot.location)]
            last = places["matrix", index, name]
        places.setdefault(("matrix", index), last)
    document.data["matrix"] = matrix
