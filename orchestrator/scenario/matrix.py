"""The key ``matrix`` of a scenario: its axes and their values, whose combinations are its points.

Or it is the list of its points, of which each has a value for each axis.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, NamedTuple

from pydantic import PlainSerializer, PlainValidator, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from orchestrator.measures.hints import label, unknown
from orchestrator.scenario.clients import ClosedGroup, Group
from orchestrator.scenario.fields import (
    INVALID_VALUE,
    Found,
    describe,
    invalid_value,
    off_as_text,
    raise_all,
)
from orchestrator.scenario.interpreter import OWN, Runtime
from orchestrator.scenario.models import read_models
from orchestrator.scenario.retry import Retry
from orchestrator.scenario.server import OWN_SETTINGS, Limits, Section, ServerSettings, Sysctls
from orchestrator.scenario.tuned import with_mean
from orchestrator.scenario.yaml_document import Location

MAX_VALUES = 200
RETRY = "retry"
"""The section of a group whose keys are axes too, ``retry.budget``."""

FIXED = frozenset({"executor", "name", "place", "stages", "sysctls", RETRY})
"""The keys of a section that cannot be axes; those of ``sysctls`` and ``retry`` can."""

SECTIONS: Mapping[type[Section], Location] = {
    ServerSettings: ("server",),
    Limits: ("limits",),
    Sysctls: ("limits", "sysctls"),
    Runtime: (),
}
"""The sections beside the groups whose keys can be axes, and where each is in a scenario."""

AxisValue = int | float | bool | str
Point = dict[str, AxisValue]
Matrix = dict[str, tuple[AxisValue, ...]] | tuple[Point, ...]
"""The values of each axis, of which all combinations are points; or the points themselves."""

_POINT_FORM = "write a map with a value for each axis, e.g. {workers: 2, users: 4}"
_FORM = "write a map of lists, e.g. {workers: [1, 2]}, or a list of points, e.g. [{workers: 1}]"


class Axis(NamedTuple):
    """The ``key`` that an axis changes, in a group, by its index, or in another ``section``."""

    section: type[Section]
    key: str
    group: int | None = None


def axes_over(groups: Sequence[Group]) -> dict[str, Axis]:
    """Return the axes by name: the key, or ``group.key`` if there are several groups."""
    return axes_of([(group.name, type(group)) for group in groups])


def axes_of(groups: Sequence[tuple[str, type[Section]]]) -> dict[str, Axis]:
    """Return the axes by name for ``groups``, each a name and a class."""
    axes = {}
    for index, (name, section) in enumerate(groups):
        prefix = f"{name}." if len(groups) > 1 else ""
        for key in section.model_fields:
            if key not in FIXED:
                axes[prefix + key] = Axis(section, key, index)
        if RETRY in section.model_fields:
            for key in Retry.model_fields:
                axes[f"{prefix}{RETRY}.{key}"] = Axis(Retry, key, index)
    others = [(section, key) for section in SECTIONS for key in section.model_fields]
    return axes | {key: Axis(section, key) for section, key in others if key not in FIXED}


def _check_matrix(matrix: object, info: ValidationInfo) -> Matrix:
    """Check each value like a value of its key.

    If the groups are invalid themselves, the axes are unknown and nothing is checked.
    """
    groups = info.data.get("clients")
    axes = None if groups is None else axes_over(groups)
    if isinstance(matrix, dict):
        matrix = {name: _plain_list(name, values) for name, values in matrix.items()}
        raise_all(each for name in matrix for each in _axis_errors(name, matrix[name], axes, info))
        return {name: tuple(values) for name, values in matrix.items()}
    if isinstance(matrix, list | tuple):
        listed_points = [_plain_point(point) for point in matrix]
        raise_all(_point_errors(listed_points, axes, info))
        return tuple(listed_points)
    raise invalid_value(f"{describe(matrix)}; {_FORM}")


def _plain_list(name: str, values: object) -> Any:  # noqa: ANN401 any plain data
    """Return the values of an axis, with ``off`` as text if it is one of them."""
    if _is_timeout(name) and isinstance(values, list):
        return [off_as_text(value) for value in values]
    return values


def _plain_point(point: object) -> Any:  # noqa: ANN401 any plain data
    if not isinstance(point, dict):
        return point
    return {key: off_as_text(each) if _is_timeout(key) else each for key, each in point.items()}


def _is_timeout(name: str) -> bool:
    return name == "idle_timeout"


def _axis_errors(
    name: str, values: object, axes: Mapping[str, Axis] | None, info: ValidationInfo
) -> Found:
    if axes is not None and name not in axes:
        yield (name,), invalid_value(unknown("axis", name, axes), at_key=True)
    elif not isinstance(values, list | tuple):
        message = f"{describe(values)}; write a list of values, e.g. [1, 2]"
        yield (name,), invalid_value(message)
    elif not values:
        yield (name,), invalid_value("the list is empty; write at least one value")
    elif len(values) > MAX_VALUES:
        yield (name,), invalid_value(f"{len(values)} values; allowed: at most {MAX_VALUES}")
    elif axes is not None:
        yield from _value_errors(name, values, axes[name], info)


def _value_errors(name: str, values: Sequence[object], axis: Axis, info: ValidationInfo) -> Found:
    for index, value in enumerate(values):
        if error := _value_error(axis, value, info):
            yield (name, index), error
        elif value in values[:index]:
            message = "this value is already in the list; write each value once"
            yield (name, index), invalid_value(message)


def _point_errors(
    written: Sequence[object], axes: Mapping[str, Axis] | None, info: ValidationInfo
) -> Found:
    if not written:
        yield (), invalid_value("the list is empty; write at least one point")
    elif len(written) > MAX_VALUES:
        yield (), invalid_value(f"{len(written)} points; allowed: at most {MAX_VALUES}")
    first = written[0] if written and isinstance(written[0], dict) else {}
    for index, point in enumerate(written[:MAX_VALUES]):
        if not isinstance(point, dict) or not point:
            what = "this map is empty" if point == {} else describe(point)
            yield (index,), invalid_value(f"{what}; {_POINT_FORM}")
            continue
        yield from () if axes is None else _errors_of_axes(index, point, axes, info)
        for name in first.keys() ^ point.keys():
            where = "this point" if name in first else "the first point"
            message = f"{where} has no {label(name)}; each point has the same axes"
            yield (index,), invalid_value(message)
        if point in written[:index]:
            yield (index,), invalid_value("this point is already in the list; write each once")


def _errors_of_axes(
    index: int, point: Mapping[str, object], axes: Mapping[str, Axis], info: ValidationInfo
) -> Found:
    for name, value in point.items():
        if name not in axes:
            yield (index, name), invalid_value(unknown("axis", name, axes), at_key=True)
        elif error := _value_error(axes[name], value, info):
            yield (index, name), error


def _value_error(axis: Axis, value: object, info: ValidationInfo) -> PydanticCustomError | None:
    problem = value_problem(axis, value, info.context)
    return None if problem is None else invalid_value(problem)


def value_problem(axis: Axis, value: object, context: Mapping[str, Any] | None) -> str | None:
    """Return why ``value`` is not allowed for the key that ``axis`` changes; None if it is."""
    if isinstance(value, list):
        return f"{describe(value)}; write a single value"
    try:
        _validator(axis.section, axis.key).validate_python(value, context=context)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return str(first["ctx"]["message"] if first["type"] == INVALID_VALUE else first["msg"])
    return None


@cache
def _validator(section: type[Section], key: str) -> TypeAdapter[AxisValue]:
    """Return a validator for the values of ``key`` in ``section``."""
    field = section.model_fields[key]
    return TypeAdapter(Annotated[(field.annotation, *field.metadata, "axis")])  # type: ignore[arg-type]  # put together at run time


def _plain(matrix: Matrix) -> Any:  # noqa: ANN401 plain data
    if isinstance(matrix, tuple):
        return [dict(point) for point in matrix]
    return {name: list(values) for name, values in matrix.items()}


MatrixValue = Annotated[Matrix, PlainValidator(_check_matrix), PlainSerializer(_plain)]


def count_points(matrix: Matrix) -> int:
    """Return the number of points in ``matrix``; one if it has no axes."""
    if isinstance(matrix, tuple):
        return len(matrix)
    return math.prod(len(values) for values in matrix.values())


def points(matrix: Matrix) -> list[Point]:
    """Return the points of ``matrix`` in the order of the file.

    Those of a map are all combinations, the last axis changing fastest.
    """
    if isinstance(matrix, tuple):
        return [dict(point) for point in matrix]
    return [
        dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())
    ]


def value_text(value: AxisValue) -> str:
    """Return a value of an axis as a scenario has it: ``8``, ``true``, ``28/s``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def case_name(model: str, axes: Mapping[str, AxisValue]) -> str:
    """Return the name of a case for people: ``prefork``, ``prefork,workers=2,users=7``."""
    return ",".join((model, *(f"{axis}={value_text(value)}" for axis, value in axes.items())))


def location_of(matrix: Matrix, point: Point, axis: str) -> Location:
    """Return where ``matrix`` has the value of ``axis`` at ``point``."""
    if isinstance(matrix, tuple):
        return (matrix.index(point), axis)
    return (axis, matrix[axis].index(point[axis]))


@dataclass(frozen=True)
class CaseSettings:
    """The settings of a case, which a matrix may change: server, limits, groups and Python."""

    server: ServerSettings
    limits: Limits
    groups: tuple[Group, ...]
    runtime: Runtime = OWN

    def of(self, model: str) -> "CaseSettings":
        """Return the settings without those of the server that only other models have.

        Of a target, or of a model that this lab does not have, nothing is known, so all are kept.
        """
        known = read_models().get(model)
        others = OWN_SETTINGS.keys() - (known.settings if known else OWN_SETTINGS)
        return replace(self, server=self.server.model_copy(update=dict.fromkeys(others)))

    def with_think_times(self, means: Mapping[str, str]) -> "CaseSettings":
        """Return the settings with these means of think times that are to be tuned, by group."""
        groups = (
            group.model_copy(update={"think_time": with_mean(group.think_time, means[group.name])})
            if isinstance(group, ClosedGroup) and group.name in means
            else group
            for group in self.groups
        )
        return replace(self, groups=tuple(groups))

    def at(self, point: Point) -> "CaseSettings":
        """Return the settings with the values of ``point``, which were validated before."""
        axes = axes_over(self.groups)
        changes: dict[tuple[type[Section], int | None], Point] = {}
        for name, value in point.items():
            axis = axes[name]
            changes.setdefault((axis.section, axis.group), {})[axis.key] = value
        limits: dict[str, object] = {**changes.get((Limits, None), {})}
        if of_kernel := changes.get((Sysctls, None)):
            limits["sysctls"] = (self.limits.sysctls or Sysctls()).model_copy(update=of_kernel)
        return CaseSettings(
            self.server.model_copy(update=changes.get((ServerSettings, None), {})),
            self.limits.model_copy(update=limits),
            tuple(
                _group_at(
                    group, changes.get((type(group), index), {}), changes.get((Retry, index), {})
                )
                for index, group in enumerate(self.groups)
            ),
            self.runtime.model_copy(update=changes.get((Runtime, None), {})),
        )


def _group_at(group: Group, own: Point, of_retry: Point) -> Group:
    """Return ``group`` with its ``own`` values of a point, and with those of its retries."""
    changed: dict[str, object] = {**own}
    if of_retry:
        changed[RETRY] = (getattr(group, RETRY) or Retry()).model_copy(update=of_retry)
    return group.model_copy(update=changed)
