"""A version compared with itself: how often a comparison alarms on this host without a reason.

A campaign of twice the repeats is split into two halves that take turns. Pure functions.
"""

from orchestrator.measures.expression import MIN_REPEATS
from orchestrator.results.exit_codes import MisuseError
from orchestrator.results.summary import CaseSummary, RunSummary, Summary
from orchestrator.scenario.scenario import INTERLEAVED, MAX_REPEATS, Scenario

HALVES = 2


def doubled(scenario: Scenario) -> Scenario:
    """Return ``scenario`` with twice the repeats, interleaved.

    Raises:
        MisuseError: it has too few repeats for a verdict, or too many to be doubled.
    """
    most = MAX_REPEATS // HALVES
    if not MIN_REPEATS <= scenario.repeats <= most:
        raise MisuseError(
            f"repeats: {scenario.repeats}; a calibration runs each twice and needs {MIN_REPEATS} "
            f"to {most}; write e.g. repeats: 7"
        )
    return scenario.model_copy(update={"repeats": scenario.repeats * HALVES, "order": INTERLEAVED})


def halves(summary: Summary) -> tuple[Summary, Summary]:
    """Return the two halves of a campaign of a `doubled` scenario.

    Two neighbouring repeats are a pair, of which each half has one. They swap places from pair to
    pair, because the second of a pair runs its cases in reverse order. A pair of which one does not
    count is left out.
    """
    first, second = zip(*map(_split, summary.cases), strict=True) if summary.cases else ((), ())
    return (
        summary.model_copy(update={"cases": list(first)}),
        summary.model_copy(update={"cases": list(second)}),
    )


def _split(case: CaseSummary) -> tuple[CaseSummary, CaseSummary]:
    pairs: dict[int, dict[int, RunSummary]] = {}
    for index, run in enumerate(case.runs, start=1):
        pair, place = divmod((run.repeat or index) - 1, HALVES)
        pairs.setdefault(pair, {})[(pair + place) % HALVES] = run
    whole = [pair for pair in pairs.values() if len(pair) == HALVES]
    sides = ([pair[half] for pair in whole] for half in range(HALVES))
    first, second = (case.model_copy(update={"runs": runs}) for runs in sides)
    return first, second
