"""Figures that are not known exactly: lower bounds, and those with the error of two clocks.

A message without an ack took at least until its end was known. A percentile among such messages is
therefore a lower bound, as is every mean. The bound is a number like any other, of the class
`AtLeast`; what depends on the true value is unknown.

If client and server are on different hosts, a time from an instant of one to an instant of the
other has the error of the estimated offset of their clocks. Such a figure is of the class `Within`.
"""

from collections.abc import Mapping

FAR = 1e15
"""Stands for any value above a bound: more than a time, a rate or a count can be."""


class AtLeast(float):
    """A figure whose true value is this or more."""

    __slots__ = ()


class Within(float):
    """A figure whose true value is at most ``error`` away, in the unit of the figure."""

    __slots__ = ("error",)
    error: float

    def __new__(cls, value: float, error: float) -> "Within":
        """Return ``value``, known within plus or minus ``error``, which is not negative."""
        made = super().__new__(cls, value)
        made.error = error
        return made


Values = Mapping[str, float | None]


def at_the_far_end(values: Values) -> dict[str, float | None]:
    """Return ``values`` with each lower bound replaced by `FAR`."""
    return {name: FAR if isinstance(each, AtLeast) else each for name, each in values.items()}


def lower_bounds(values: Values) -> list[str]:
    """Return the names of the lower bounds in ``values``."""
    return [name for name, each in values.items() if isinstance(each, AtLeast)]


def error_of(value: float | None) -> float:
    """Return by how much the true value may differ from ``value``, 0 if it is exact."""
    return value.error if isinstance(value, Within) else 0.0


def errors(values: Values) -> dict[str, float]:
    """Return the errors of those of ``values`` that have one, by name."""
    return {name: each.error for name, each in values.items() if isinstance(each, Within)}
