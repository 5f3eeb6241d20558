"""What a person reads about a campaign, a sentence each. Values in, text on one line out.

What to know of how a case was measured: faults, a proxy, where the twin parts, the clients.
"""

from collections.abc import Iterator, Mapping

from faultproxy.toxics import TOXICS
from labkit.wire.samples import FAILURES
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.report.columns import measure_text, measured
from orchestrator.report.escape import visible
from orchestrator.results.exit_codes import FAILS
from orchestrator.results.summary import (
    CaseSummary,
    Expectation,
    FaultSummary,
    Fitness,
    Outcome,
    Status,
    Summary,
)

UNFINISHED = ("failed", "unsent", "in_flight")


def verdict(summary: Summary) -> str:
    """Return the campaign's end in one line; what decided the exit code comes first."""
    if summary.status is not Status.COMPLETE:
        return _cut_short(summary)
    doubts = _doubts(summary)
    if doubts and summary.exit_code != FAILS and not summary.accepts_invalid:
        return doubts
    expectations = _expectations_in_all(summary)
    return f"{expectations}; {doubts}" if doubts else expectations


def _doubts(summary: Summary) -> str:
    doubts = [(case, reason) for case in summary.cases for reason in case.invalid]
    if not doubts:
        return ""
    case, reason = doubts[0]
    more = f" (and {len(doubts) - 1} more)" if doubts[1:] else ""
    accepted = ", accepted" if summary.accepts_invalid else ""
    return f"invalid as a measurement{accepted}: {visible(case.name)}: {visible(reason)}{more}"


def _cut_short(summary: Summary) -> str:
    line = f"{summary.status} after {len(summary.cases)} of {summary.planned_cases} cases"
    return f"{line}: {visible(summary.reason)}" if summary.reason else line


def _expectations_in_all(summary: Summary) -> str:
    judged = [each for case in summary.cases for each in case.expectations]
    judged += [each for comparison in summary.comparisons for each in comparison.expectations]
    outcomes = [each.outcome for each in judged]
    expectations = "expectation" if len(outcomes) == 1 else "expectations"
    counts = [
        f"{outcomes.count(outcome)} of {len(outcomes)} {expectations} {outcome}"
        for outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.UNKNOWN)
        if outcome in outcomes
    ]
    if counts or not outcomes:
        return ", ".join(counts) or "nothing was expected, so nothing failed"
    return f"all {len(outcomes)} expectations hold" if outcomes[1:] else "the expectation holds"


def sides(expectation: Expectation) -> str:
    """Return why an expectation came to its outcome: both sides, or why one is unknown."""
    left, right = visible(expectation.left), visible(expectation.right)
    both = f"{left or 'unknown'} vs {right or 'unknown'}"
    if expectation.reason:
        reason = visible(expectation.reason)
        return f"{reason} ({both})" if left or right else reason
    return both


def of_models(summary: Summary) -> Iterator[tuple[str, bool]]:
    """Yield what is said of the models beside each other, and whether it is as expected."""
    for comparison in summary.comparisons:
        point = _point(comparison.axes)
        for each in comparison.expectations:
            told = f"{visible(each.expression)}{point}: {each.outcome}: {sides(each)}"
            yield told, each.outcome is Outcome.PASSED
    for ranking in summary.rankings:
        ranks = (" = ".join(map(visible, rank)) for rank in ranking.ranks)
        told = "; ".join(f"{place}. {rank}" for place, rank in enumerate(ranks, start=1))
        yield f"{ranking.measure}{_point(ranking.axes)}, best first: {told}", True


def _point(axes: Mapping[str, object]) -> str:
    """Return the load point in brackets, empty where there is but one."""
    told = ", ".join(f"{visible(axis)}={visible(str(value))}" for axis, value in axes.items())
    return f" ({told})" if told else ""


def findings(case: CaseSummary) -> Iterator[str]:
    """Yield what is wrong with ``case``: expectations not met, messages lost, reasons for doubt."""
    name = visible(case.name)
    for each in case.expectations:
        if each.outcome is not Outcome.PASSED:
            yield f"{name}: {visible(each.expression)}: {each.outcome}: {sides(each)}"
    losses = loss(case)
    if losses:
        yield f"{name}: {losses}"
    for reason in case.invalid:
        yield f"{name}: invalid as a measurement: {visible(reason)}"


def notes(summary: Summary) -> Iterator[str]:
    """Yield what is to be known of the kernel's evidence, once, and of which cases."""
    of_note: dict[str, list[str]] = {}
    for case in summary.cases:
        for note in case.notes:
            of_note.setdefault(note, []).append(visible(case.name))
    for note, cases in of_note.items():
        of_all = len(cases) == len(summary.cases)
        yield f"kernel, {'every case' if of_all else ', '.join(cases)}: {visible(note)}"


def guesses(summary: Summary) -> Iterator[str]:
    """Yield what became of each guess, beside what was measured and what the twin says."""
    for case in summary.cases:
        for each in case.guesses:
            twin = f", the twin says {each.predicted}" if each.predicted else ""
            told = f"{visible(case.name)}: you guessed {visible(each.expression)}: {each.grade}"
            yield f"{told}; measured {each.measured or 'unknown'}{twin}"


def is_flawed(summary: Summary) -> bool:
    """Tell whether anything is not as it should be, in a case or between models."""
    found = any(True for case in summary.cases for _ in findings(case))
    return found or not all(is_expected for _, is_expected in of_models(summary))


def loss(case: CaseSummary) -> str:
    """Return the errors by kind and the messages that were not acknowledged; empty if none."""
    parts = []
    if measured(case, "errors"):
        kinds = ", ".join(_counts(case, FAILURES)) or "of unknown kind"
        parts.append(f"{measure_text(case, 'errors')} errors ({kinds})")
    unfinished = ", ".join(_counts(case, UNFINISHED))
    if unfinished:
        parts.append(f"messages: {unfinished}")
    return "; ".join(parts)


def _counts(case: CaseSummary, names: tuple[str, ...]) -> list[str]:
    return [
        f"{measure_text(case, name)} {name.replace('_', ' ')}"
        for name in names
        if measured(case, name)
    ]


def overheads(summary: Summary) -> str:
    """Return what the orchestrator itself cost in each case; empty where no case ran."""
    costs = (f"{visible(c.name)} {format_value(c.overhead_s, TIME)}" for c in summary.cases)
    listed = ", ".join(costs)
    return f"orchestrator's own cost per case: {listed}" if listed else ""


def remarks(case: CaseSummary) -> Iterator[str]:
    """Yield what to know of how ``case`` was measured; it decides nothing."""
    yield from _proxy(case)
    for told in faults(case):
        yield f"{visible(case.name)}: {told}"
    yield from _partings(case)
    yield from _strains(case)


def faults(case: CaseSummary) -> Iterator[str]:
    """Yield what was done to the server of ``case``, and when, in the order of the scenario."""
    for fault in case.runs[0].faults if case.runs else ():
        if fault.effect_s is not None:
            yield _fault(fault)


def cautions(case: CaseSummary) -> Iterator[str]:
    """Yield the same without what was done on purpose."""
    yield from _proxy(case)
    yield from _partings(case)
    yield from _strains(case)


def _partings(case: CaseSummary) -> Iterator[str]:
    """Yield in which part a run and its twin differ most, where they do."""
    for number, run in enumerate(case.runs, start=1):
        if run.twin is not None and run.twin.part is not None:
            which = f"repeat {number}: " if len(case.runs) > 1 else ""
            yield f"{visible(case.name)}: {which}{visible(run.twin.remark)}"


def _proxy(case: CaseSummary) -> Iterator[str]:
    if any(fault.fault in TOXICS for run in case.runs[:1] for fault in run.faults):
        yield f"{visible(case.name)}: clients came through the fault proxy: it is in every figure"


def _strains(case: CaseSummary) -> Iterator[str]:
    instrument = case.instrument
    if instrument.fitness is not Fitness.OK:
        told = {Fitness.STRAINED: "were strained", Fitness.BOTTLENECK: "were the bottleneck"}
        for reason in instrument.reasons:
            yield f"{visible(case.name)}: the clients {told[instrument.fitness]}: {visible(reason)}"


def _fault(fault: FaultSummary) -> str:
    """Return what a fault was and when, in words."""
    which = "" if fault.worker is None else f" {fault.worker}"
    told = f"{fault.fault}{which} at {format_value(fault.effect_s, TIME)}"
    until = fault.reverted_s
    return told if until is None else f"{told}, undone at {format_value(until, TIME)}"
