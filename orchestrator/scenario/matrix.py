"""The axes that a scenario sweeps over: which there are, what they may hold, and their points."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from orchestrator.measures.hints import unknown
from orchestrator.scenario.clients import Group
from orchestrator.scenario.fields import COMPLAINT, complaint, complaints, describe
from orchestrator.scenario.server import Limits, Section, ServerSettings

MAX_VALUES = 200
FIXED = frozenset({"executor", "name", "stages"})
"""The keys of a group that are no axes."""

AxisValue = int | float | bool | str
Point = dict[str, AxisValue]
Where: TypeAlias = tuple[str | int, ...]
Found = list[tuple[Where, PydanticCustomError]]


class Axis(NamedTuple):
    """What an axis changes: the ``key`` of a group, by its index, or of the other ``section``."""

    section: type[Section]
    key: str
    group: int | None = None


def axes_over(groups: Sequence[Group]) -> dict[str, Axis]:
    """Return what each axis changes, by its name: a key, or ``group.key`` with several groups."""
    axes = {}
    for index, group in enumerate(groups):
        prefix = f"{group.name}." if len(groups) > 1 else ""
        for key in type(group).model_fields:
            if key not in FIXED:
                axes[prefix + key] = Axis(type(group), key, index)
    others = (ServerSettings, Limits)
    return axes | {key: Axis(section, key) for section in others for key in section.model_fields}


def _check_matrix(matrix: object, info: ValidationInfo) -> object:
    """Check each element as its key would be; pydantic says what is no map at all.

    Where the groups are themselves wrong, nobody can tell what may be an axis.
    """
    groups = info.data.get("clients")
    if isinstance(matrix, dict) and groups is not None:
        axes = axes_over(groups)
        complaints(each for name in matrix for each in _check_axis(name, matrix[name], axes, info))
    return matrix


def _check_axis(name: str, values: object, axes: Mapping[str, Axis], info: ValidationInfo) -> Found:
    if name not in axes:
        return [((name,), complaint(unknown("axis", name, axes), at_key=True))]
    if not isinstance(values, list | tuple):
        return [((name,), complaint(f"{describe(values)}; write a list of values, e.g. [1, 2]"))]
    if not values:
        return [((name,), complaint("the list is empty; write at least one value"))]
    if len(values) > MAX_VALUES:
        return [((name,), complaint(f"{len(values)} values; allowed: at most {MAX_VALUES}"))]
    found: Found = []
    for index, value in enumerate(values):
        if error := _value_error(axes[name], value, info):
            found.append(((name, index), error))
        elif value in values[:index]:
            message = "this value is in the list already; write each value once"
            found.append(((name, index), complaint(message)))
    return found


def _value_error(axis: Axis, value: object, info: ValidationInfo) -> PydanticCustomError | None:
    if isinstance(value, list):
        return complaint(f"{describe(value)}; write a single value")
    try:
        _validator(axis.section, axis.key).validate_python(value, context=info.context)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = first["ctx"]["message"] if first["type"] == COMPLAINT else first["msg"]
        return complaint(message)
    return None


@cache
def _validator(section: type[Section], key: str) -> TypeAdapter[AxisValue]:
    """Return what checks a value of ``key`` as ``section`` does."""
    field = section.model_fields[key]
    return TypeAdapter(Annotated[(field.annotation, *field.metadata, "axis")])  # type: ignore[arg-type]  # put together at run time


Values = Annotated[tuple[AxisValue, ...], Field(strict=False)]
Matrix = Annotated[dict[str, Values], BeforeValidator(_check_matrix)]


def count_points(matrix: Mapping[str, tuple[AxisValue, ...]]) -> int:
    """Return how many points ``matrix`` has; one, if it has no axes."""
    return math.prod(len(values) for values in matrix.values())


def points(matrix: Mapping[str, tuple[AxisValue, ...]]) -> list[Point]:
    """Return the points of ``matrix`` in the order of the file, the last axis changing fastest."""
    return [
        dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())
    ]


@dataclass(frozen=True)
class Settings:
    """All that a matrix may change, with or without a point applied."""

    server: ServerSettings
    limits: Limits
    groups: tuple[Group, ...]

    def at(self, point: Point) -> "Settings":
        """Return them at ``point``, whose values were validated before."""
        axes = axes_over(self.groups)
        changes: dict[tuple[type[Section], int | None], Point] = {}
        for name, value in point.items():
            axis = axes[name]
            changes.setdefault((axis.section, axis.group), {})[axis.key] = value
        return Settings(
            self.server.model_copy(update=changes.get((ServerSettings, None), {})),
            self.limits.model_copy(update=changes.get((Limits, None), {})),
            tuple(
                group.model_copy(update=changes.get((type(group), index), {}))
                for index, group in enumerate(self.groups)
            ),
        )
