"""The answer of a capacity search, in sentences, and one sentence that says why not to rely on it.

Both follow from the result alone. At most about six sentences: of many cases, the best and the
worst are named.
"""

from collections.abc import Iterator, Sequence

from orchestrator.capacity.figures import (
    LIMITED_BY,
    at_text,
    bounds_text,
    has_figure,
    interval,
    missing_figure,
    objectives_text,
    range_text,
    why_no_figure,
)
from orchestrator.measures.sentences import counted, joined
from orchestrator.results.capacity import NO_FIGURE, Capacity, CaseCapacity, Verdict
from orchestrator.results.summary import Cheapest, Status

MAX_NAMED = 4
"""So many cases are named in one place."""

MAX_SENTENCES_OF_ONE = 3
"""Up to so many cases or loads, each has its own sentence."""

HOW = {
    Verdict.HOLDS: "is met by",
    Verdict.FAILS: "is not met by",
    Verdict.UNDECIDED: "is undecided for",
    None: "has no verdict for",
}


def answer_of(capacity: Capacity) -> list[str]:
    """Return the answer to the question of ``capacity``; empty if no case ended."""
    if not capacity.cases:
        return []
    if capacity.at is None:
        return [*_capacities(capacity), *_without_figure(capacity.cases)]
    undecided = _with_verdict(capacity, Verdict.UNDECIDED)
    unmeasured = [case for case in undecided if case.limited_by in NO_FIGURE]
    about_others = [*_nearest(capacity), *_undecided(capacity), *_without_figure(unmeasured)]
    return [*_met(capacity), *about_others]


def caveat_of(capacity: Capacity) -> str:
    """Return why not to rely on the answer, in one sentence; empty if nothing speaks against it."""
    parts = []
    if capacity.status is not Status.COMPLETE:
        ended = f"{len(capacity.cases)} of {counted(capacity.planned_cases, 'cases')}"
        parts.append(f"the search ended early, after {ended}: {capacity.reason}".removesuffix(": "))
    missing = [case for case in capacity.cases if missing_figure(case)]
    if unknown := [case for case in missing if not has_figure(case)]:
        parts.append(f"it is not known what {named(unknown)} can bear")
    if open_ended := [case for case in missing if has_figure(case)]:
        parts.append(f"it is not known how much more {named(open_ended)} can bear")
    wide = [case for case in capacity.cases if case not in missing and not case.is_complete]
    if wide:
        verb = "has" if len(wide) == 1 else "have"
        parts.append(f"{named(wide)} {verb} wider bounds than were asked for")
    return f"Caution: {'; '.join(parts)}." if parts else ""


def named(cases: Sequence[CaseCapacity], limit: int = MAX_NAMED) -> str:
    """Return the names of ``cases``; of more than ``limit``, the number of the others."""
    names = [case.name for case in cases]
    if len(names) <= limit:
        return joined(names)
    return f"{', '.join(names[: limit - 1])} and {len(names) - limit + 1} more"


def _met(capacity: Capacity) -> Iterator[str]:
    """Yield how many cases bear the load asked about, and which of them are the cheapest."""
    cases, holding = capacity.cases, _with_verdict(capacity, Verdict.HOLDS)
    load = f"{at_text(capacity)} at {objectives_text(capacity)}"
    cheap = [_cheapest(each, capacity) for each in capacity.cheapest if each.cases]
    if len(cases) == 1:
        yield f"{load} {_met_alone(cases[0], capacity)}."
        return
    failing = _with_verdict(capacity, Verdict.FAILS)
    met = f"{len(holding)} of {len(cases)} cases" if holding else f"none of {len(cases)} cases"
    met = f"all {len(cases)} cases" if len(holding) == len(cases) else met
    if not holding and len(failing) < len(cases):
        met = f"no case that was decided ({len(failing)} of {len(cases)})"
    if not holding and not failing:
        yield f"It is not known which of {len(cases)} cases meet {load}."
        return
    if len(cheap) == 1:
        yield f"{load} is met by {met}; cheapest: {cheap[0]}."
        return
    best = max(holding, key=lambda case: case.headroom_low or 0.0, default=None)
    most = "" if best is None or cheap else f"; most headroom: {best.name}, which {_bears([best])}"
    yield f"{load} is met by {met}{most}."
    for each in cheap[:MAX_SENTENCES_OF_ONE]:
        yield f"Cheapest {each}."


def _met_alone(case: CaseCapacity, capacity: Capacity) -> str:
    """Return whether the only case bears the load asked about, and what it bears."""
    how = HOW[case.at]
    bears = _more([case]) if case.at is Verdict.HOLDS else bounds_text(case, capacity.kind)
    return f"{how} {case.name}, which bears {bears}" if bears else f"{how} {case.name}"


def _cheapest(found: Cheapest, capacity: Capacity) -> str:
    """Return the cheapest cases at one load of the scenario, with what more they bear."""
    cases = [case for case in capacity.cases if case.name in found.cases]
    axes = ", ".join(f"{axis}={value}" for axis, value in found.axes.items())
    where = f"at {axes}: " if axes and len(capacity.cheapest) > 1 else ""
    workers = "" if found.workers is None else f" ({counted(found.workers, 'workers')}"
    each = "" if not workers else " each)" if cases[1:] else ")"
    bears = f", which {_bears(cases)}" if _bears(cases) else ""
    return f"{where}{named(cases)}{workers}{each}{bears}"


def _bears(cases: Sequence[CaseCapacity]) -> str:
    verb = "bears" if len(cases) == 1 else "bear"
    return f"{verb} {more}" if (more := _more(cases)) else ""


def _more(cases: Sequence[CaseCapacity]) -> str:
    """Return how much more than the load asked about ``cases`` bear, over all of them."""
    lows = [case.headroom_low for case in cases if case.headroom_low is not None]
    highs = [case.headroom_high for case in cases if case.headroom_high is not None]
    high = max(highs) if len(highs) == len(cases) else None
    if not lows or (high is None and min(lows) == 0):
        return ""
    return f"{range_text(min(lows), high)} more"


def _nearest(capacity: Capacity) -> Iterator[str]:
    """Yield which case bears most, if none bears the load asked about and there are several."""
    known = [case for case in capacity.cases if has_figure(case)]
    if _with_verdict(capacity, Verdict.HOLDS) or not known or not capacity.cases[1:]:
        return
    best = max(known, key=_least)
    yield f"{_alone(best, capacity, 'bears most')}."


def _undecided(capacity: Capacity) -> Iterator[str]:
    undecided = _with_verdict(capacity, Verdict.UNDECIDED)
    if undecided and capacity.cases[1:]:
        verb = "is" if len(undecided) == 1 else "are"
        yield f"{named(undecided)} {verb} undecided."
    if unknown := _with_verdict(capacity, None):
        why = why_no_figure(unknown[0])
        yield f"{named(unknown)} {'has' if len(unknown) == 1 else 'have'} no verdict: {why}."


def _with_verdict(capacity: Capacity, verdict: Verdict | None) -> list[CaseCapacity]:
    return [case for case in capacity.cases if case.at is verdict]


def _capacities(capacity: Capacity) -> Iterator[str]:
    """Yield what each case bears; of many, what the best and the worst bear."""
    known = [case for case in capacity.cases if has_figure(case)]
    objectives = f"at {objectives_text(capacity)}"
    if len(known) <= MAX_SENTENCES_OF_ONE:
        for case in known:
            where = f" {objectives}" if case is known[0] else ""
            yield f"{_alone(case, capacity, 'bears', where)}."
        return
    best, worst = max(known, key=_least), min(known, key=_most)
    equal = [c for c in known if c is not best and _most(c) >= _least(best)]
    beside = f"; its bounds overlap those of {named(equal)}" if equal else ""
    yield f"{_alone(best, capacity, 'bears most', f' {objectives}')}{beside}."
    if worst is not best:
        yield f"{_alone(worst, capacity, 'bears least')}."


def _alone(case: CaseCapacity, capacity: Capacity, verb: str, where: str = "") -> str:
    """Return what one case bears and what limits it: ``prefork bears 212/s to 223/s, …``."""
    comma = "," if " " in verb else ""
    limit = f", {LIMITED_BY[case.limited_by]}" if case.limited_by in LIMITED_BY else ""
    return f"{case.name} {verb}{comma} {bounds_text(case, capacity.kind)}{where}{limit}"


def _without_figure(cases: Sequence[CaseCapacity]) -> Iterator[str]:
    """Yield of which cases it is not known what they bear, or how much more, by the reason."""
    by_reason: dict[tuple[str, bool], list[CaseCapacity]] = {}
    for case in cases:
        if missing_figure(case):
            by_reason.setdefault((case.limited_by, has_figure(case)), []).append(case)
    for own in by_reason.values():
        yield f"{named(own)}: {missing_figure(own[0])}."


def _least(case: CaseCapacity) -> float:
    return interval(case)[0]


def _most(case: CaseCapacity) -> float:
    return interval(case)[1]
