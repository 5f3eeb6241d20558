"""One sentence that says why not to rely on the answer of a campaign; empty if nothing does.

It follows from the summary alone: how the campaign ended, which cases are invalid as measurements,
which expectations failed or are undecided, and which repeats are left out.
"""

from collections.abc import Iterator, Sequence

from orchestrator.campaign.verdict import UNDECIDED, has_busy_host, is_aborted
from orchestrator.measures.sentences import counted, joined
from orchestrator.results.summary import (
    CaseSummary,
    Expectation,
    Outcome,
    Status,
    Summary,
)

MAX_NAMED = 3
_ENDS = {
    Status.INTERRUPTED: "the campaign was interrupted",
    Status.BROKEN: "the campaign broke off",
    Status.NONCONFORMING: "the target violates the contract",
}


def caveat(summary: Summary) -> str:
    """Return the caveat of ``summary``."""
    parts = [*_end(summary), *_invalid(summary.cases), *_left_out(summary)]
    judged = [(case.name, each) for case in summary.cases for each in case.expectations]
    judged += [("compare", each) for models in summary.comparisons for each in models.expectations]
    parts += _outcomes(judged, is_valid=not any(case.invalid for case in summary.cases))
    return f"Caution: {'; '.join(parts)}." if parts else ""


def _end(summary: Summary) -> Iterator[str]:
    """Yield how the campaign ended, unless it is complete."""
    if summary.status is Status.COMPLETE:
        return
    runs = sum(len(case.runs) for case in summary.cases)
    planned = summary.planned_cases if summary.planned_runs is None else summary.planned_runs
    yield f"{_ENDS[summary.status]} after {runs} of {counted(planned, 'runs')}"


def _invalid(cases: Sequence[CaseSummary]) -> Iterator[str]:
    """Yield which cases are invalid, and why the first of each kind is."""
    invalid = [case for case in cases if case.invalid]
    disturbed = [case for case in invalid if has_busy_host(case)]
    other = [case for case in invalid if not has_busy_host(case)]
    if disturbed:
        where = _where(disturbed, cases)
        yield f"the host was disturbed {where}, so these figures may be wrong"
    if other:
        where = _where(other, cases)
        yield f"what was measured is invalid {where}: {other[0].invalid[0]}"


def _left_out(summary: Summary) -> Iterator[str]:
    """Yield how many repeats of valid cases do not count and were not made up for."""
    if summary.status is not Status.COMPLETE or not summary.planned_runs:
        return
    planned = summary.planned_runs // max(summary.planned_cases, 1)
    short = [
        case
        for case in summary.cases
        if len(case.runs) < planned and not case.invalid and not is_aborted(case)
    ]
    lost = sum(planned - len(case.runs) for case in short)
    if lost:
        total = counted(planned * len(summary.cases), "repeats")
        were = "was" if lost == 1 else "were"
        yield f"{lost} of {total} {were} disturbed and not repeated, {_where(short, summary.cases)}"


def _outcomes(judged: Sequence[tuple[str, Expectation]], *, is_valid: bool) -> Iterator[str]:
    """Yield how many expectations failed, and how many are undecided although all is valid."""
    total = counted(len(judged), "expectations")
    failed = [(name, each) for name, each in judged if each.outcome is Outcome.FAILED]
    if failed:
        name, first = failed[0]
        more = " first" if failed[1:] else ""
        example = f"{name}{more}: {first.expression}, {first.left} vs {first.right}"
        yield f"{len(failed)} of {total} failed ({example})"
    undecided = [each for _, each in judged if each.outcome in UNDECIDED]
    if undecided and is_valid:
        yield f"{len(undecided)} of {total} undecided ({undecided[0].expression})"


def _where(some: Sequence[CaseSummary], cases: Sequence[CaseSummary]) -> str:
    if len(some) == len(cases):
        return "in every case" if cases[1:] else "during the run"
    if len(some) > MAX_NAMED or any(case.axes for case in some):
        return f"in {len(some)} of {counted(len(cases), 'cases')}"
    return f"in {joined([case.name for case in some])}"
