"""Arithmetic of ranges: what a result may be if each number may be anything in a range.

The result contains every possible value; it is wider than needed if one number occurs twice.
"""

from itertools import product
from typing import TypeAlias

Range: TypeAlias = tuple[float, float]
"""The least and the greatest value."""


def operate(operator: str, left: Range, right: Range) -> Range:
    """Return the range of ``left + right``, or with ``-``, ``*`` or ``/``.

    Raises:
        ZeroDivisionError: ``right`` is a divisor, and may be 0.
    """
    if operator == "+":
        return left[0] + right[0], left[1] + right[1]
    if operator == "-":
        return left[0] - right[1], left[1] - right[0]
    if operator == "/":
        if right[0] <= 0 <= right[1]:
            raise ZeroDivisionError
        right = 1 / right[1], 1 / right[0]
    products = [one * other for one, other in product(left, right)]
    return min(products), max(products)


def negative(value: Range) -> Range:
    """Return the range of ``-value``."""
    return -value[1], -value[0]


def magnitude(value: Range) -> Range:
    """Return the range of ``abs(value)``."""
    ends = abs(value[0]), abs(value[1])
    return (0.0 if value[0] <= 0 <= value[1] else min(ends)), max(ends)
