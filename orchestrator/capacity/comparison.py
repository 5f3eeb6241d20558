"""Compares two capacity searches, case by case: whether the bounds of one are beyond the other's.

The bounds are right with the confidence of their search, so a case is better or worse only if they
do not overlap. Pure functions.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.campaign.conditions import Condition, Effect
from orchestrator.capacity.figures import has_figure, interval, why_no_figure
from orchestrator.results.capacity import Capacity, CaseCapacity, LoadKind
from orchestrator.results.exit_codes import FAILS, HOLDS, INVALID

LEVELS = ("rate", "users")
"""Keys of the group whose load is searched: what a scenario sets there is not what is tried."""


class Standing(StrEnum):
    """What a case bears in the second search, against the first."""

    WORSE = "worse"  # its upper bound is below the lower one of the first
    BETTER = "better"
    ALIKE = "cannot be told apart"  # the bounds overlap
    UNKNOWN = "no verdict"  # a bound is not known


@dataclass(frozen=True)
class CapacityDifference:
    """One case in both searches.

    ``low`` and ``high`` are the least and the greatest ratio of the second capacity to the first
    that the bounds allow: 1.1 is ten percent more; None if a bound is not known. ``reason`` says
    why there is no verdict.
    """

    before: CaseCapacity
    after: CaseCapacity
    kind: LoadKind
    low: float | None
    high: float | None
    standing: Standing
    reason: str = ""

    @property
    def case(self) -> str:
        """The name of the case."""
        return self.after.name


def capacity_differences(before: Capacity, after: Capacity) -> list[CapacityDifference]:
    """Return how the cases of ``after`` differ from those of the same name in ``before``."""
    first = {case.name: case for case in before.cases}
    return [
        _difference(first[case.name], case, after.kind)
        for case in after.cases
        if case.name in first
    ]


def _difference(before: CaseCapacity, after: CaseCapacity, kind: LoadKind) -> CapacityDifference:
    row = CapacityDifference(before, after, kind, None, None, Standing.UNKNOWN)
    for case, which in ((before, "first"), (after, "second")):
        if not has_figure(case):
            return replace(row, reason=f"the {which} has no figure: {why_no_figure(case)}")
    (low, high), (lower, upper) = map(interval, (before, after))
    row = replace(row, low=_ratio(lower, high), high=_ratio(upper, low))
    if upper < low:
        return replace(row, standing=Standing.WORSE)
    if lower > high:
        return replace(row, standing=Standing.BETTER)
    if row.low is None or row.high is None:
        open_ended = [
            f"the {which} has no {bound} bound"
            for case, which in ((before, "first"), (after, "second"))
            for bound, value in (("lower", case.lower), ("upper", case.upper))
            if value is None
        ]
        return replace(row, reason="; ".join(open_ended))
    return replace(row, standing=Standing.ALIKE)


def _ratio(after: float, before: float) -> float | None:
    return after / before if 0 < before < math.inf and 0 < after < math.inf else None


def withheld(rows: Sequence[CapacityDifference], reason: str) -> list[CapacityDifference]:
    """Return ``rows`` with their figures, but without a verdict, for ``reason``."""
    return [replace(row, standing=Standing.UNKNOWN, reason=reason) for row in rows]


def capacity_conditions(
    before: Capacity, after: Capacity, found: Sequence[Condition]
) -> list[Condition]:
    """Return ``found``, how the two ran, with what was asked of them; other objectives count.

    The load that the scenario sets for the searched group does not: it is not what was tried.
    """
    levels = {f"clients.{after.group}.{key}" for key in LEVELS}
    known = [replace(c, effect=Effect.NOTE) if c.name in levels else c for c in found]
    order = list(Effect)
    every = [*known, *_of_search(before, after)]
    return sorted(every, key=lambda each: order.index(each.effect))


def _of_search(before: Capacity, after: Capacity) -> Iterator[Condition]:
    """Yield how what was asked differs."""
    for (name, one), other in zip(_asked(before).items(), _asked(after).values(), strict=True):
        if one != other:
            effect = Effect.SCENARIO if name in ("objectives", "group") else Effect.NOTE
            yield Condition(name, one, other, effect)


def _asked(capacity: Capacity) -> Mapping[str, str]:
    return {
        "objectives": " and ".join(sorted(capacity.objectives)),
        "group": capacity.group,
        "load asked about": "none" if capacity.at is None else f"{capacity.at:g}",
        "width": f"{capacity.width:g}",
        "confidence": f"{capacity.confidence:g}",
    }


def capacity_comparison_exit_code(rows: Sequence[CapacityDifference]) -> int:
    """Return 1 if a case bears less with certainty, 4 if no case has a verdict, else 0."""
    standings = {row.standing for row in rows}
    if Standing.WORSE in standings:
        return FAILS
    return INVALID if standings <= {Standing.UNKNOWN} else HOLDS
