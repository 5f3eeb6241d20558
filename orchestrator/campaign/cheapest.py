"""The cheapest case that holds: the one with the fewest workers whose expectations all hold.

A model without a pool counts as one worker. Cases are compared at the same load only: at equal
values on all axes but `workers`. Cases with equally many workers are named together. A run and a
prediction both use it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.measures.sentences import joined
from orchestrator.results.summary import Cheapest

COST = "workers"


@dataclass(frozen=True)
class Candidate:
    """A case, its values on the axes, how many workers it has, and whether it holds."""

    name: str
    axes: Mapping[str, str | int | float | bool]
    workers: float | None
    holds: bool


def cheapest(candidates: Iterable[Candidate]) -> list[Cheapest]:
    """Return the cheapest cases that hold at each load; empty if no case has an axis of workers."""
    loads: dict[tuple[tuple[str, str | int | float | bool], ...], list[Candidate]] = {}
    for each in candidates:
        load = tuple((axis, value) for axis, value in each.axes.items() if axis != COST)
        loads.setdefault(load, []).append(each)
    if not any(COST in each.axes for at_load in loads.values() for each in at_load):
        return []
    return [_cheapest_of(dict(load), at_load) for load, at_load in loads.items()]


def _cheapest_of(
    load: dict[str, str | int | float | bool], at_load: Sequence[Candidate]
) -> Cheapest:
    costs = {each.name: each.workers or 1 for each in at_load if each.holds}
    least = min(costs.values(), default=None)
    return Cheapest(
        axes=load,
        cases=[name for name, cost in costs.items() if cost == least],
        workers=None if least is None else round(least),
        of=len(at_load),
        holding=len(costs),
    )


def cheapest_text(found: Cheapest) -> str:
    """Return the finding as a sentence."""
    axes = ", ".join(f"{axis}={value}" for axis, value in found.axes.items())
    at = f" at {axes}" if axes else ""
    if not found.cases:
        return f"no case holds{at}"
    workers = "1 worker" if found.workers == 1 else f"{found.workers} workers"
    verb = "case that holds" if len(found.cases) == 1 else "cases that hold"
    return f"the cheapest {verb}{at}: {joined(found.cases)} ({workers})"
