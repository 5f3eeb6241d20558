"""The numbers that keys of a scenario have: their dimensions, and how they are written.

A number is a value in base units with its dimension; a scenario has it as ``4``, ``28/s``, ``50ms``
or ``64MiB``.
"""

from collections.abc import Mapping
from functools import cache

from labkit.workload.distributions import LawError, parse_law
from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, UNITS_BYTES, Dimension
from orchestrator.measures.evaluate import NOISE
from orchestrator.scenario.fields import (
    MAX_LOAD,
    PREDICTION_LOAD,
    parse_rate_per_s,
    parse_size_bytes,
)
from orchestrator.scenario.interpreter import Runtime
from orchestrator.scenario.matrix import Axis, value_problem
from orchestrator.scenario.retry import Retry

Number = tuple[float, Dimension]

FORMS = {
    COUNT: "a bare number",
    TIME: "a time, e.g. 50ms",
    RATE: "a rate, e.g. 200/s",
    SIZE: "a size, e.g. 64MiB",
}
_SAMPLES: Mapping[Dimension, str | int] = {COUNT: 16, TIME: "1s", RATE: "1/s", SIZE: "64MiB"}
_DECIMALS = 6


class InvalidNumberError(Exception):
    """A value is not allowed, or depends on one that is not; this is reported for itself."""


def takes_arithmetic(axis: Axis) -> bool:
    """Return whether the key that ``axis`` changes has numbers, which can be computed."""
    return dimension_of(axis) is not None


@cache
def dimension_of(axis: Axis) -> Dimension | None:
    """Return the dimension of the numbers that a key may have, None if it has none."""
    if axis.section in (Runtime, Retry):
        return None  # the name of an image may look like a rate; a retry has no need of it
    fits = (each for each, sample in _SAMPLES.items() if value_problem(axis, sample, None) is None)
    return next(fits, None)


def plain_number(value: object, axis: Axis) -> Number | None:
    """Return a value as a number; None if it is allowed and not a number, such as ``each``.

    Raises:
        InvalidNumberError: it is not allowed.
    """
    if value_problem(axis, value, {MAX_LOAD: PREDICTION_LOAD}) is not None:
        raise InvalidNumberError
    dimension = dimension_of(axis)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), COUNT
    if not isinstance(value, str) or dimension in (None, COUNT):
        return None
    parse = {RATE: parse_rate_per_s, SIZE: parse_size_bytes}.get(dimension, _mean_s)
    number = parse(value)
    return None if number is None else (number, dimension)


def _mean_s(text: str) -> float | None:
    try:
        return parse_law(text).mean_s()
    except LawError:  # off
        return None


def written_number(value: float, dimension: Dimension) -> int | float | str:
    """Return a number as a scenario has it: ``4``, ``28/s``, ``12.5ms``, ``64MiB``."""
    if dimension == COUNT:
        whole = round(value)
        return whole if abs(value - whole) <= NOISE * max(abs(value), 1) else value
    if dimension == RATE:
        return f"{_digits(value)}/s"
    if dimension == SIZE:
        units = sorted(UNITS_BYTES.items(), key=lambda each: -each[1])
        unit, size = next((u, n) for u, n in units if round(value) % n == 0 or n == 1)
        return f"{round(value / size)}{unit}"
    unit, size = ("s", 1.0) if abs(value) >= 1 else ("ms", 1e-3)
    return f"{_digits(value / size)}{unit}"


def _digits(value: float) -> str:
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
