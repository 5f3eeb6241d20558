"""What a person reads about a campaign, one sentence on one line each. Values in, text out."""

from collections.abc import Iterator, Mapping, Sequence

from faultproxy.toxics import TOXICS
from labkit.wire.samples import FAILURES
from orchestrator.campaign.cheapest import cheapest_text
from orchestrator.campaign.verdict import has_busy_host, is_forgivable
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.evaluate import AT_LEAST
from orchestrator.measures.sentences import counted
from orchestrator.report.columns import measure_text, measure_value
from orchestrator.report.escape import visible
from orchestrator.results.exit_codes import FAILS
from orchestrator.results.summary import (
    CaseSummary,
    Expectation,
    FaultSummary,
    Fitness,
    Grade,
    Guess,
    Outcome,
    RunSummary,
    Status,
    Summary,
)

BUSY = "; the host was busy, so the measured value may be off, but the guess counts"
UNFINISHED = ("failed", "unsent", "in_flight")
CLIENTS = {Fitness.STRAINED: "were strained", Fitness.BOTTLENECK: "were the bottleneck"}


def verdict(summary: Summary) -> str:
    """Return the result of the campaign in one line; what decided the exit code comes first."""
    if summary.status is not Status.COMPLETE:
        line = f"{summary.status} after {_ended(summary)}"
        return f"{line}: {visible(summary.reason)}" if summary.reason else line
    doubts = _doubts(summary)
    if doubts and summary.exit_code != FAILS and not _is_accepted(summary):
        return doubts
    expectations = _all_expectations(summary)
    return f"{expectations}; {doubts}" if doubts else expectations


def answer(summary: Summary) -> list[str]:
    """Return the answer: its sentences as one paragraph, and its caveat; empty if it has none."""
    answered = summary.answer
    if not answered.sentences:
        return []
    parts = (" ".join(answered.sentences), answered.caveat)
    return [visible(part) for part in parts if part]


def _ended(summary: Summary) -> str:
    """Return how much of the campaign ended: cases, or runs if a case has several."""
    if summary.planned_runs in {None, summary.planned_cases}:
        return f"{len(summary.cases)} of {counted(summary.planned_cases, 'cases')}"
    repeats = [
        {run.repeat or n for n, run in enumerate(_all_runs(case), 1)} for case in summary.cases
    ]
    return f"{sum(map(len, repeats))} of {counted(summary.planned_runs or 0, 'runs')}"


def _all_runs(case: CaseSummary) -> list[RunSummary]:
    return [*case.runs, *case.disturbed]


def _doubts(summary: Summary) -> str:
    doubts = [
        (case, reason) for case in _most_serious_first(summary.cases) for reason in case.invalid
    ]
    if not doubts:
        return ""
    case, reason = doubts[0]
    more = f" (and {len(doubts) - 1} more)" if doubts[1:] else ""
    accepted = ", accepted" if _is_accepted(summary) else ""
    return f"invalid as a measurement{accepted}: {visible(case.name)}: {visible(reason)}{more}"


def disturbances(summary: Summary) -> str:
    """Return how many runs the host disturbed so that they do not count; empty if none."""
    disturbed = sum(len(case.disturbed) for case in summary.cases)
    if not disturbed:
        return ""
    total = disturbed + sum(len(case.runs) for case in summary.cases)
    replaced = sum(
        run.repeat in {each.repeat for each in case.runs}
        for case in summary.cases
        for run in case.disturbed
    )
    were = "was" if disturbed == 1 else "were"
    line = f"{disturbed} of {counted(total, 'runs')} {were} disturbed by other programs"
    if replaced == disturbed:
        return f"{line} and repeated"
    return f"{line} and {'does' if disturbed == 1 else 'do'} not count; {replaced} repeated"


def disturbed_runs(summary: Summary) -> Iterator[str]:
    """Yield each run that does not count because the host disturbed it, with the reasons."""
    for case in summary.cases:
        for run in case.disturbed:
            name = visible(run.slug.replace("+", ", retry "))
            yield f"{name} was disturbed and does not count: {visible('; '.join(run.invalid))}"


def _is_accepted(summary: Summary) -> bool:
    return summary.accepts_invalid and all(map(is_forgivable, summary.cases))


def _most_serious_first(cases: Sequence[CaseSummary]) -> list[CaseSummary]:
    """Return the cases whose reasons ``--accept-invalid`` does not forgive before the others."""
    return sorted(cases, key=is_forgivable)


def _all_expectations(summary: Summary) -> str:
    judged = [case.expectations for case in summary.cases]
    judged += [comparison.expectations for comparison in summary.comparisons]
    outcomes = [expectation.outcome for expectations in judged for expectation in expectations]
    total = counted(len(outcomes), "expectations")
    counts = [
        f"{outcomes.count(outcome)} of {total} {outcome}"
        for outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.UNKNOWN)
        if outcome in outcomes
    ]
    if counts or not outcomes:
        return ", ".join(counts) or "complete; the scenario has no expectations"
    return f"all {total} hold" if outcomes[1:] else "the expectation holds"


def is_flawed(summary: Summary) -> bool:
    """Return whether anything is not as it should be, in a case or between models."""
    has_findings = any(True for case in summary.cases for _ in findings(case))
    return has_findings or not all(is_expected for _, is_expected in comparisons(summary))


def findings(case: CaseSummary) -> Iterator[str]:
    """Yield the problems of ``case``: expectations that do not hold, losses, why it is invalid."""
    name = visible(case.name)
    for expectation in case.expectations:
        if expectation.outcome is not Outcome.PASSED:
            yield f"{name}: {outcome_text(expectation)}"
    losses = loss(case)
    if losses:
        yield f"{name}: {losses}"
    for reason in case.invalid:
        yield f"{name}: invalid as a measurement: {visible(reason)}"


def outcome_text(expectation: Expectation, load_point: str = "") -> str:
    """Return an expectation, the load point if it was compared there, the outcome, both sides."""
    expression = f"{visible(expectation.expression)}{load_point}"
    return f"{expression}: {expectation.outcome}: {sides(expectation)}"


def sides(expectation: Expectation) -> str:
    """Return the values of both sides of an expectation, after the reason if one is unknown."""
    left, right = visible(expectation.left), visible(expectation.right)
    both = f"{left or 'unknown'} vs {right or 'unknown'}"
    if expectation.reason:
        reason = visible(expectation.reason)
        return f"{reason} ({both})" if left or right else reason
    return both


def loss(case: CaseSummary) -> str:
    """Return the errors by kind and the messages that were not acknowledged; empty if none."""
    parts = []
    if measure_value(case, "errors"):
        kinds = ", ".join(_counts(case, FAILURES)) or "of unknown kind"
        noun = "error" if measure_text(case, "errors") == "1" else "errors"
        parts.append(f"{measure_text(case, 'errors')} {noun} ({kinds})")
    unfinished = ", ".join(_counts(case, UNFINISHED))
    if unfinished:
        parts.append(f"messages: {unfinished}")
    if unanswered := measure_value(case, "unanswered"):
        p99 = measure_text(case, "response_time_p99")
        bound = f", so response_time_p99 is {p99}" if p99.startswith(AT_LEAST) else ""
        parts.append(f"{unanswered:.1%} without an answer{bound}")
    return "; ".join(parts)


def _counts(case: CaseSummary, names: tuple[str, ...]) -> list[str]:
    return [
        f"{measure_text(case, name)} {name.replace('_', ' ')}"
        for name in names
        if measure_value(case, name)
    ]


def comparisons(summary: Summary) -> Iterator[tuple[str, bool]]:
    """Yield each comparison, ranking and cheapest case, and whether it is as expected."""
    for comparison in summary.comparisons:
        load_point = _load_point(comparison.axes)
        for expectation in comparison.expectations:
            is_expected = expectation.outcome is Outcome.PASSED
            yield outcome_text(expectation, load_point), is_expected
    for ranking in rankings(summary):
        yield ranking, True
    for found in summary.cheapest:
        if found.holding < found.of:
            yield visible(cheapest_text(found)), True


def rankings(summary: Summary) -> Iterator[str]:
    """Yield each ranking of the models, best first."""
    for ranking in summary.rankings:
        ranks = (" = ".join(map(visible, rank)) for rank in ranking.ranks)
        places = "; ".join(f"{place}. {rank}" for place, rank in enumerate(ranks, start=1))
        yield f"{ranking.measure}{_load_point(ranking.axes)}, best first: {places}"


def _load_point(axes: Mapping[str, object]) -> str:
    """Return the load point in brackets; empty if there is only one."""
    values = ", ".join(f"{visible(axis)}={visible(str(value))}" for axis, value in axes.items())
    return f" ({values})" if values else ""


def remarks(case: CaseSummary) -> Iterator[str]:
    """Yield how ``case`` was measured; no remark changes the verdict."""
    yield from _proxy(case)
    for fault in faults(case):
        yield f"{visible(case.name)}: {fault}"
    yield from _divergences(case)
    yield from _strains(case)


def cautions(case: CaseSummary) -> Iterator[str]:
    """Yield the `remarks` without the faults, which the scenario or a person asked for."""
    yield from _proxy(case)
    yield from _divergences(case)
    yield from _strains(case)


def _proxy(case: CaseSummary) -> Iterator[str]:
    if any(fault.fault in TOXICS for run in case.runs[:1] for fault in run.faults):
        yield (
            f"{visible(case.name)}: clients connected through the fault proxy; "
            "all figures include its delay"
        )


def faults(case: CaseSummary) -> Iterator[str]:
    """Yield each fault of ``case`` that had an effect, and when.

    Those of the scenario come first, in its order, then those by hand, also of later runs.
    """
    for number, run in enumerate(case.runs, start=1):
        for fault in run.faults:
            if fault.effect_s is not None and (number == 1 or fault.is_by_hand):
                place = "" if number == 1 else f"run {number}: "
                begin = f"{fault_name(fault)} at {format_value(fault.effect_s, TIME)}"
                yield f"{place}{begin}{_end_of(fault)}"


def faults_by_hand(summary: Summary) -> list[str]:
    """Return the faults that a person injected in any run, with their cases, in their order."""
    return [
        f"{visible(case.name)}: {fault_name(fault)}"
        for case in summary.cases
        for run in case.runs
        for fault in run.faults
        if fault.is_by_hand
    ]


def _end_of(fault: FaultSummary) -> str:
    """Return when ``fault`` was undone, or over if it never was; empty if neither is known."""
    if fault.reverted_s is not None:
        return f", undone at {format_value(fault.reverted_s, TIME)}"
    return "" if fault.over_s is None else f", over at {format_value(fault.over_s, TIME)}"


def fault_name(fault: FaultSummary) -> str:
    """Return the kind of a fault, its worker, if it has one, and whether it was by hand."""
    name = fault.fault if fault.worker is None else f"{fault.fault} {fault.worker}"
    return f"{name} (by hand)" if fault.is_by_hand else name


def _divergences(case: CaseSummary) -> Iterator[str]:
    """Yield for each run how it differs from its twin, what limits that, or why it has none."""
    for number, run in enumerate(case.runs, start=1):
        twin = run.twin
        if twin is None or not twin.remark:
            continue
        if twin.part is not None or twin.overhead_s or twin.lacks_load:
            repeat = f"repeat {run.repeat or number}: " if len(case.runs) > 1 else ""
            yield f"{visible(case.name)}: {repeat}{visible(twin.remark)}"


def _strains(case: CaseSummary) -> Iterator[str]:
    instrument = case.instrument
    if instrument.fitness is not Fitness.OK:
        for reason in instrument.reasons:
            clients = f"the clients {CLIENTS[instrument.fitness]}"
            yield f"{visible(case.name)}: {clients}: {visible(reason)}"


def notes(summary: Summary) -> Iterator[str]:
    """Yield each note on how cases ran once, with the cases to which it applies."""
    cases_of: dict[str, list[str]] = {}
    for case in summary.cases:
        for note in case.notes:
            cases_of.setdefault(note, []).append(visible(case.name))
    for note, cases in cases_of.items():
        is_general = len(cases) == len(summary.cases)
        yield f"note, {'every case' if is_general else ', '.join(cases)}: {visible(note)}"


def guesses(summary: Summary) -> Iterator[str]:
    """Yield the grade of each guess, with the measured and the predicted value.

    A guess counts on a busy host, too: a learner cannot wait for a quiet one.
    """
    for case in summary.cases:
        is_busy = has_busy_host(case)
        for guess in case.guesses:
            is_graded = guess.grade is not Grade.NO_GUESS
            remark = BUSY if is_busy and is_graded else ""
            values = ", ".join(_values(guess, case))
            yield f"{visible(case.name)}: {_graded(guess)}; {values}{remark}"


def _graded(guess: Guess) -> str:
    if guess.grade is Grade.NO_GUESS:
        return f"no guess was made for {visible(guess.expression)}"
    return f"your guess {visible(guess.expression)}: {guess.grade}"


def _values(guess: Guess, case: CaseSummary) -> Iterator[str]:
    yield f"measured {guess.measured or 'unknown'}"
    if guess.predicted:
        without = " without the faults" if any(run.faults for run in case.runs) else ""
        yield f"predicted by the twin{without} {guess.predicted}"


def overheads(summary: Summary) -> str:
    """Return the time that the orchestrator itself added to each case; empty without cases."""
    costs = (f"{visible(c.name)} {format_value(c.overhead_s, TIME)}" for c in summary.cases)
    listed = ", ".join(costs)
    return f"time added by the orchestrator: {listed}" if listed else ""
