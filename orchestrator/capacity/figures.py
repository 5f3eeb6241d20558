"""The figures of a capacity search in words: a load, the bounds of a case, its headroom.

A case that the clients or the host limited has no upper bound: what it bears at most is not known,
and if no load held, it has no figure.
"""

import math

from orchestrator.measures.sentences import number_text
from orchestrator.results.capacity import NO_FIGURE, Capacity, CaseCapacity, Limit, LoadKind

WHY_NO_FIGURE = {
    Limit.CLIENTS: "the clients could not generate the load as planned",
    Limit.HOST: "other programs, or the clients, took the CPUs",
}
LIMITED_BY = {
    Limit.WORKERS: "limited by its workers",
    Limit.CPU: "limited by the CPUs",
    Limit.INTERPRETER_LOCK: "limited by the interpreter lock",
    Limit.ACCEPT_QUEUE: "limited by its accept queue",
    Limit.QUEUEING: "limited by the waits of random arrivals",
}


def has_figure(case: CaseCapacity) -> bool:
    """Return whether it is known, at least in part, what ``case`` bears."""
    return case.lower is not None or case.upper is not None


def interval(case: CaseCapacity) -> tuple[float, float]:
    """Return the bounds of ``case``: 0 if no load held, infinity if none failed."""
    lower = 0.0 if case.lower is None else case.lower
    return lower, math.inf if case.upper is None else case.upper


def objectives_text(capacity: Capacity) -> str:
    """Return all objectives as one: ``p99 < 50ms and errors == 0``."""
    return " and ".join(capacity.objectives)


def load_text(load: float, kind: LoadKind) -> str:
    """Return ``load`` with its unit: ``212/s``, ``1 user``."""
    if kind is LoadKind.RATE:
        return f"{number_text(load)}/s"
    return f"{number_text(load)} user{'' if load == 1 else 's'}"


def at_text(capacity: Capacity) -> str:
    """Return the load asked about, empty if there is none."""
    return "" if capacity.at is None else load_text(capacity.at, capacity.kind)


def bounds_text(case: CaseCapacity, kind: LoadKind) -> str:
    """Return what ``case`` bears: ``212/s to 223/s``, ``at least 212/s``; empty if not known."""
    if not has_figure(case):
        return ""
    lower, upper = (None if b is None else load_text(b, kind) for b in (case.lower, case.upper))
    if lower is None:
        return f"less than {upper}"
    return f"at least {lower}" if upper is None else f"{lower} to {upper}"


def missing_figure(case: CaseCapacity) -> str:
    """Return which figure of ``case`` was not measured, and why; empty if none is missing."""
    if not has_figure(case):
        return f"no figure, since {why_no_figure(case)}"
    if case.limited_by in NO_FIGURE:
        return f"no figure beyond its lower bound, since {why_no_figure(case)}"
    return ""


def why_no_figure(case: CaseCapacity) -> str:
    """Return why it is not known what ``case`` bears."""
    reason = WHY_NO_FIGURE.get(case.limited_by) or case.ended
    return f"{reason} ({case.evidence})" if case.evidence else reason


def range_text(low: float | None, high: float | None) -> str:
    """Return a range of shares: ``23% to 90%``, ``at least 20%``, ``up to 50%``; empty if unknown.

    A share below 0 is what is missing.
    """
    least, most = (None if share is None else f"{share:.0%}" for share in (low, high))
    if least is None:
        return "" if most is None else f"at most {most}"
    if most is None:
        return f"at least {least}"
    if float(least.rstrip("%")) == 0:
        return f"up to {most}"
    return most if least == most else f"{least} to {most}"
