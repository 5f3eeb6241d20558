"""Figures of which only a lower bound is known, since some messages have no answer.

A message without an ack took at least until its end was known. A percentile among such messages is
therefore a lower bound, as is every mean. The bound is a number like any other, of the class
`AtLeast`; what depends on the true value is unknown.
"""

from collections.abc import Mapping

FAR = 1e15
"""Stands for any value above a bound: more than a time, a rate or a count can be."""


class AtLeast(float):
    """A figure whose true value is this or more."""

    __slots__ = ()


Values = Mapping[str, float | None]


def at_the_far_end(values: Values) -> dict[str, float | None]:
    """Return ``values`` with each lower bound replaced by `FAR`."""
    return {name: FAR if isinstance(each, AtLeast) else each for name, each in values.items()}


def lower_bounds(values: Values) -> list[str]:
    """Return the names of the lower bounds in ``values``."""
    return [name for name, each in values.items() if isinstance(each, AtLeast)]
