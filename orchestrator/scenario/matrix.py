"""The axes that a scenario sweeps over: which there are, what they may hold, and their points."""

import itertools
import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from orchestrator.scenario.sections import ClosedGroup, Section, ServerSettings
from orchestrator.scenario.values import COMPLAINT, complaint, complaints, describe
from orchestrator.wording import unknown

MAX_VALUES = 200

AxisValue = int | bool | str
Point = dict[str, AxisValue]
Found = list[tuple[tuple[str | int, ...], PydanticCustomError]]


def _axes(section: type[Section], *fixed: str) -> dict[str, TypeAdapter[AxisValue]]:
    """Return a validator for each key of ``section`` that may be an axis."""
    return {
        name: TypeAdapter[AxisValue](Annotated[(each.annotation, *each.metadata, "axis")])  # type: ignore[arg-type]  # put together at run time
        for name, each in section.model_fields.items()
        if name not in fixed
    }


SERVER_AXES = _axes(ServerSettings)
CLIENT_AXES = _axes(ClosedGroup, "executor")
AXES = {**CLIENT_AXES, **SERVER_AXES}


def _check_matrix(matrix: object) -> object:
    """Check each element as its key would be; pydantic says what is no map at all."""
    if isinstance(matrix, dict):
        complaints(each for axis, values in matrix.items() for each in _check_axis(axis, values))
    return matrix


def _check_axis(axis: str, values: object) -> Found:
    if axis not in AXES:
        return [((axis,), complaint(unknown("axis", axis, AXES), at_key=True))]
    if not isinstance(values, list | tuple):
        return [((axis,), complaint(f"{describe(values)}; write a list of values, e.g. [1, 2]"))]
    if not values:
        return [((axis,), complaint("the list is empty; write at least one value"))]
    if len(values) > MAX_VALUES:
        return [((axis,), complaint(f"{len(values)} values; allowed: at most {MAX_VALUES}"))]
    found: Found = []
    for index, value in enumerate(values):
        if error := _value_error(axis, value):
            found.append(((axis, index), error))
        elif value in values[:index]:
            message = "this value is in the list already; write each value once"
            found.append(((axis, index), complaint(message)))
    return found


def _value_error(axis: str, value: object) -> PydanticCustomError | None:
    try:
        AXES[axis].validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = first["ctx"]["message"] if first["type"] == COMPLAINT else first["msg"]
        return complaint(message)
    return None


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


def apply(
    point: Point, server: ServerSettings, group: ClosedGroup
) -> tuple[ServerSettings, ClosedGroup]:
    """Return ``server`` and ``group`` at ``point``, whose values were validated before."""
    for_server = {axis: value for axis, value in point.items() if axis in SERVER_AXES}
    for_group = {axis: value for axis, value in point.items() if axis in CLIENT_AXES}
    return server.model_copy(update=for_server), group.model_copy(update=for_group)
