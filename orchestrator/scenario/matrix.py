"""The key ``matrix`` of a scenario: its axes, their values, and the points they span."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from orchestrator.measures.hints import unknown
from orchestrator.scenario.clients import Group
from orchestrator.scenario.fields import (
    INVALID_VALUE,
    Found,
    describe,
    invalid_value,
    off_as_text,
    raise_all,
)
from orchestrator.scenario.server import Limits, Section, ServerSettings

MAX_VALUES = 200
FIXED = frozenset({"executor", "name", "stages"})
"""The keys of a group that cannot be axes."""

AxisValue = int | float | bool | str
Point = dict[str, AxisValue]
AxisValues = Annotated[tuple[AxisValue, ...], Field(strict=False)]


class Axis(NamedTuple):
    """The ``key`` that an axis changes, in a group, by its index, or in another ``section``."""

    section: type[Section]
    key: str
    group: int | None = None


def axes_over(groups: Sequence[Group]) -> dict[str, Axis]:
    """Return the axes by name: the key, or ``group.key`` if there are several groups."""
    axes = {}
    for index, group in enumerate(groups):
        prefix = f"{group.name}." if len(groups) > 1 else ""
        for key in type(group).model_fields:
            if key not in FIXED:
                axes[prefix + key] = Axis(type(group), key, index)
    others = (ServerSettings, Limits)
    return axes | {key: Axis(section, key) for section in others for key in section.model_fields}


def _check_matrix(matrix: object, info: ValidationInfo) -> object:
    """Check each value like a value of its key; pydantic refuses what is not a map.

    If the groups are invalid themselves, the axes are unknown and nothing is checked.
    """
    groups = info.data.get("clients")
    if isinstance(matrix, dict) and groups is not None:
        axes = axes_over(groups)
        matrix = {name: _plain(axes.get(name), values) for name, values in matrix.items()}
        raise_all(each for name in matrix for each in _axis_errors(name, matrix[name], axes, info))
    return matrix


def _plain(axis: Axis | None, values: object) -> object:
    """Return the values of an axis, with ``off`` as text if it is one of them."""
    if axis is not None and axis.key == "idle_timeout" and isinstance(values, list):
        return [off_as_text(value) for value in values]
    return values


def _axis_errors(
    name: str, values: object, axes: Mapping[str, Axis], info: ValidationInfo
) -> Found:
    if name not in axes:
        yield (name,), invalid_value(unknown("axis", name, axes), at_key=True)
    elif not isinstance(values, list | tuple):
        message = f"{describe(values)}; write a list of values, e.g. [1, 2]"
        yield (name,), invalid_value(message)
    elif not values:
        yield (name,), invalid_value("the list is empty; write at least one value")
    elif len(values) > MAX_VALUES:
        yield (name,), invalid_value(f"{len(values)} values; allowed: at most {MAX_VALUES}")
    else:
        for index, value in enumerate(values):
            if error := _value_error(axes[name], value, info):
                yield (name, index), error
            elif value in values[:index]:
                message = "this value is already in the list; write each value once"
                yield (name, index), invalid_value(message)


def _value_error(axis: Axis, value: object, info: ValidationInfo) -> PydanticCustomError | None:
    if isinstance(value, list):
        return invalid_value(f"{describe(value)}; write a single value")
    try:
        _validator(axis.section, axis.key).validate_python(value, context=info.context)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = first["ctx"]["message"] if first["type"] == INVALID_VALUE else first["msg"]
        return invalid_value(message)
    return None


@cache
def _validator(section: type[Section], key: str) -> TypeAdapter[AxisValue]:
    """Return a validator for the values of ``key`` in ``section``."""
    field = section.model_fields[key]
    return TypeAdapter(Annotated[(field.annotation, *field.metadata, "axis")])  # type: ignore[arg-type]  # put together at run time


Matrix = Annotated[dict[str, AxisValues], BeforeValidator(_check_matrix)]


def count_points(matrix: Mapping[str, tuple[AxisValue, ...]]) -> int:
    """Return the number of points in ``matrix``; one if it has no axes."""
    return math.prod(len(values) for values in matrix.values())


def points(matrix: Mapping[str, tuple[AxisValue, ...]]) -> list[Point]:
    """Return the points of ``matrix`` in the order of the file, the last axis changing fastest."""
    return [
        dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())
    ]


def value_text(value: AxisValue) -> str:
    """Return a value of an axis as a scenario has it: ``8``, ``true``, ``28/s``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class CaseSettings:
    """The settings of a case, which a matrix may change: server, limits and groups."""

    server: ServerSettings
    limits: Limits
    groups: tuple[Group, ...]

    def at(self, point: Point) -> "CaseSettings":
        """Return the settings with the values of ``point``, which were validated before."""
        axes = axes_over(self.groups)
        changes: dict[tuple[type[Section], int | None], Point] = {}
        for name, value in point.items():
            axis = axes[name]
            changes.setdefault((axis.section, axis.group), {})[axis.key] = value
        return CaseSettings(
            self.server.model_copy(update=changes.get((ServerSettings, None), {})),
            self.limits.model_copy(update=changes.get((Limits, None), {})),
            tuple(
                group.model_copy(update=changes.get((type(group), index), {}))
                for index, group in enumerate(self.groups)
            ),
        )
