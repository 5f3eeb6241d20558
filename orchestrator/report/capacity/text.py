"""What a person reads about a capacity search, one sentence on one line each."""

from collections.abc import Iterator

from orchestrator.capacity.answer import caveat_of, named
from orchestrator.capacity.figures import at_text, has_figure, missing_figure, objectives_text
from orchestrator.measures.sentences import counted
from orchestrator.report.escape import visible
from orchestrator.results.capacity import Capacity, CaseCapacity, LoadKind, Verdict
from orchestrator.results.exit_codes import FAILS, HOLDS
from orchestrator.results.summary import Status

UNITS = {LoadKind.RATE: "per s", LoadKind.USERS: "users"}
"""Of a load, in a heading or on an axis."""


def question(capacity: Capacity) -> str:
    """Return the intent of the scenario with the objectives, and the load asked about."""
    asked = f", at {at_text(capacity)}" if capacity.at is not None else ""
    objectives = f"({objectives_text(capacity)}{asked})"
    return visible(" ".join(filter(None, (capacity.intent, objectives))))


def answer(capacity: Capacity) -> list[str]:
    """Return the answer as one paragraph, and its caveat; empty if there is no answer."""
    if not capacity.answer:
        return []
    return [visible(part) for part in (" ".join(capacity.answer), caveat_of(capacity)) if part]


def verdict(capacity: Capacity) -> str:
    """Return the result of the search in one line."""
    total = counted(capacity.planned_cases, "cases")
    if capacity.status is not Status.COMPLETE:
        line = f"{capacity.status} after {len(capacity.cases)} of {total}"
        return visible(f"{line}: {capacity.reason}" if capacity.reason else line)
    return _bounds_found(capacity) if capacity.at is None else _met(capacity)


def _met(capacity: Capacity) -> str:
    verdicts = [case.at for case in capacity.cases]
    total, load = counted(len(verdicts), "cases"), at_text(capacity)
    if verdicts and set(verdicts) == {Verdict.HOLDS}:
        return f"all {total} hold at {load}" if verdicts[1:] else f"the case holds at {load}"
    counts = [
        f"{verdicts.count(each)} {words}"
        for each, words in (
            (Verdict.FAILS, "not"),
            (Verdict.UNDECIDED, "undecided"),
            (None, "without a verdict"),
        )
        if each in verdicts
    ]
    held = f"{verdicts.count(Verdict.HOLDS)} of {total} hold at {load}"
    enough = "; one that holds is enough" if capacity.is_any_enough else ""
    return f"{', '.join((held, *counts))}{enough}"


def _bounds_found(capacity: Capacity) -> str:
    cases = capacity.cases
    if not cases:
        return "there is no case"
    unknown = sum(not has_figure(case) for case in cases)
    close = sum(case.is_complete and has_figure(case) for case in cases)
    total = counted(len(cases), "cases")
    of_all = f"all {total}" if close == len(cases) else f"{close} of {total}"
    of_all = of_all if cases[1:] or not close else "the case is"
    parts = [f"{of_all} bounded within {100 * capacity.width:.3g}%"]
    if unknown:
        parts.append(f"{unknown} without a figure")
    return ", ".join(parts)


def tone(capacity: Capacity) -> str:
    """Return the color of the verdict: ``good``, ``bad``, or ``doubt`` if there is no verdict."""
    if capacity.status is not Status.COMPLETE:
        return "doubt"
    return {HOLDS: "good", FAILS: "bad"}.get(capacity.exit_code, "doubt")


def remarks(capacity: Capacity) -> Iterator[str]:
    """Yield of which cases a figure is missing, and whose bounds are wider than asked, and why."""
    for case in capacity.cases:
        if reason := remark(case):
            yield f"{visible(case.name)}: {reason}"


def remark(case: CaseCapacity) -> str:
    """Return why a figure of ``case`` is missing, or its bounds are wide; empty if all is well."""
    if missing := missing_figure(case):
        return visible(missing)
    return "" if case.is_complete else visible(f"wider bounds than asked: {case.ended}")


def notes(capacity: Capacity) -> Iterator[str]:
    """Yield why cases have no twin."""
    reasons: dict[str, list[CaseCapacity]] = {}
    for case in capacity.cases:
        if case.predicted is None and case.prediction:
            reasons.setdefault(case.prediction, []).append(case)
    for reason, cases in reasons.items():
        yield visible(f"no twin of {named(cases)}: {reason}")


def legend(capacity: Capacity) -> list[str]:
    """Return what the headings of the table of cases leave open."""
    lines = [
        "bears [a, b]: the objectives hold at a and do not hold at b, "
        f"both with a confidence of {capacity.confidence:.3g}",
        "twin: capacity of the queueing model",
        "CPU: of the server, at the greatest load that held",
    ]
    if capacity.at is not None:
        lines.append(f"headroom: how much more than {at_text(capacity)} it bears")
    return lines
