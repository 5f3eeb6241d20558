"""Judges the claims of a scenario: reproduced, inverted or undecided. Pure functions.

A claim is judged like a comparison with a confidence, by the sign test over the rounds. It is
undecided, whatever the figures, if a case that it names is no measurement of what it is about: the
case is invalid, or one of its expectations does not hold. As each round has a vote, an expectation
must hold in each run of the case; its medians do not decide.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from orchestrator.campaign.load_points import LoadPoint, between
from orchestrator.campaign.order_statistics import median_depth
from orchestrator.campaign.process_control import explained
from orchestrator.campaign.repeats import intervals, medians
from orchestrator.campaign.retries import Repeats
from orchestrator.campaign.verdict import judge_alone
from orchestrator.measures.bounds import AtLeast, Values, Within, error_of
from orchestrator.measures.dimensions import COUNT
from orchestrator.measures.evaluate import AT_LEAST, Evaluation
from orchestrator.measures.expression import Expression, Term, fewest_repeats
from orchestrator.measures.sentences import counted, number_text, value_text
from orchestrator.results.exit_codes import FAILS, HOLDS, INVALID
from orchestrator.results.reproduction import Cell, ClaimResult, Standing, Verdict
from orchestrator.results.summary import CaseSummary, Expectation, Outcome
from orchestrator.scenario.claims import Claim
from orchestrator.scenario.scenario import Scenario

NOT_MEASURED = "not measured"
VERDICTS = {
    Outcome.PASSED: Verdict.REPRODUCED,
    Outcome.FAILED: Verdict.INVERTED,
    Outcome.INCONCLUSIVE: Verdict.UNDECIDED,
    Outcome.UNKNOWN: None,
}
"""The verdict on a claim by the outcome of its expression; None if a measure is missing."""


def judge_claims(
    scenario: Scenario, load_points: Sequence[LoadPoint], cases: Iterable[CaseSummary]
) -> list[ClaimResult]:
    """Return the verdict on each claim of ``scenario``, by the load points that are complete.

    ``cases`` says of each case why it is invalid, and which of the expectations hold that are
    always expected; that it was not aborted is one of them.
    """
    of_slug = {case.slug: case for case in cases}
    runs = {each[0].run.case.slug: each for at in load_points for each in at.models.values()}
    failed = {slug: _failed(scenario, of_slug[slug], each) for slug, each in runs.items()}
    return [_judge(each, load_points, failed) for each in scenario.claims]


def not_measured(claims: Iterable[Claim], reason: str) -> list[ClaimResult]:
    """Return ``claims`` as undecided, because of ``reason``."""
    return [_result(each, [], None, reason) for each in claims]


def standing_of(verdict: Verdict, known: Verdict, *, is_measured: bool = True) -> Standing:
    """Return how ``verdict`` stands to what is known.

    A claim that is known to be undecided is as known only if it was measured.
    """
    if verdict is known and is_measured:
        return Standing.AS_KNOWN
    if verdict is Verdict.UNDECIDED:
        return Standing.UNDECIDED
    return Standing.NEW if known is Verdict.UNDECIDED else Standing.CONTRADICTS


def exit_code(claims: Collection[ClaimResult], *, is_complete: bool = True) -> int:
    """Return 0, 1 if a verdict contradicts what is known, or 4 if one is undecided.

    It is 4, too, unless the runs of all claims are complete.
    """
    standings = {each.standing for each in claims}
    if Standing.CONTRADICTS in standings:
        return FAILS
    is_decided = is_complete and claims and Standing.UNDECIDED not in standings
    return HOLDS if is_decided else INVALID


def _failed(scenario: Scenario, case: CaseSummary, runs: Repeats) -> str:
    """Return why ``case`` is invalid, or which expectations do not hold; empty if all is well."""
    if case.invalid:
        return f"{case.name}: invalid as a measurement, {case.invalid[0]}"
    of_runs = {
        each.text: each for each in scenario.expectations(case.model) if each.confidence is None
    }
    judged = ((each, of_runs.get(each.expression)) for each in case.expectations)
    texts = [
        f"{each.expression} ({how})"
        for each, condition in judged
        if (how := _in_runs(condition, runs) if condition else _in_case(each))
    ]
    return f"{case.name}: expected {', '.join(texts)}" if texts else ""


def _in_case(judged: Expectation) -> str:
    """Return how an expectation of the whole case came out; empty if it holds."""
    return "" if judged.outcome is Outcome.PASSED else judged.outcome.value


def _in_runs(condition: Expression, runs: Repeats) -> str:
    """Return how ``condition`` came out where it does not hold, and in which rounds; else empty."""
    rounds: dict[Outcome, list[int]] = {}
    for each in runs:
        (judged,) = judge_alone([condition], each.values, ())
        rounds.setdefault(judged.outcome, []).append(each.run.repeat)
    rounds.pop(Outcome.PASSED, None)
    return "; ".join(f"{outcome}{_of(found, len(runs))}" for outcome, found in rounds.items())


def _of(rounds: Sequence[int], total: int) -> str:
    """Return which ``rounds`` are meant; empty if it is all of them."""
    if len(rounds) == total:
        return ""
    return f" in {len(rounds)} of {counted(total, 'rounds')}: {', '.join(map(str, rounds))}"


def _judge(
    claim: Claim, load_points: Sequence[LoadPoint], failed: Mapping[str, str]
) -> ClaimResult:
    at_point = _subjects_of(claim, load_points)
    if at_point is None or not at_point.rounds:
        return _result(claim, [], None, NOT_MEASURED)
    rounds = at_point.values
    (judged,) = explained(judge_alone([claim.judged], medians(rounds), rounds), at_point.runs)
    cells = [_cell(*each, rounds) for each in _cells_of(claim)]
    slugs = dict.fromkeys(run.run.case.slug for run in at_point.runs)
    if doubts := [failed[slug] for slug in slugs if failed[slug]]:
        return _result(claim, cells, None, "; ".join(doubts))
    is_measured = len(rounds) >= fewest_repeats(claim.confidence)
    return _result(claim, cells, VERDICTS[judged.outcome] if is_measured else None, judged.reason)


def _subjects_of(claim: Claim, load_points: Sequence[LoadPoint]) -> LoadPoint | None:
    """Return the models, or cases, that ``claim`` names; None if one did not run."""
    of_model = [name for name in claim.names if name.model]
    if any(name.point for name in of_model):
        return next(between(claim.names, load_points), None)
    subjects = dict.fromkeys(name.model for name in of_model)
    return load_points[0].only(subjects) if load_points and subjects else None


def _cells_of(claim: Claim) -> list[tuple[Term, str]]:
    """Return what the claim shows: its published cells, else the sides of its expression."""
    published = [(each.of, each.figure) for each in claim.published]
    return published or [(side, "") for side in claim.expression.measured_sides]


def _measured(found: Evaluation) -> float | None:
    """Return the value of a term as a figure that has its bound, or its error."""
    if found.left is None:
        return None
    if found.left_bound == AT_LEAST:
        return AtLeast(found.left)
    return Within(found.left, found.left_error) if found.left_error else found.left


def _cell(term: Term, published: str, rounds: Sequence[Values]) -> Cell:
    """Return ``term`` as published and as measured: its median over the rounds."""
    found = [term.evaluate(each) for each in rounds]
    bounds = {each.left_bound for each in found}
    column = [{term.text: _measured(each)} for each in found]
    value = medians(column)[term.text]
    if value is None:
        return Cell(of=term.text, published=published, measured="", value=None)
    bound = next(iter(bounds)) if len(bounds) == 1 else AT_LEAST if AT_LEAST in bounds else ""
    ends = intervals(column).get(term.text) if bounds == {""} else None
    coverage = median_depth(len(rounds))[1] if ends else None

    def text(each: float) -> str:
        is_share = term.dimension == COUNT and "%" in published
        return f"{number_text(100 * each)}%" if is_share else value_text(each, term.dimension)

    return Cell(
        of=term.text,
        published=published,
        measured=bound + text(value) + (f" ±{text(error_of(value))}" if error_of(value) else ""),
        value=value,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        interval=f"{text(ends[0])} to {text(ends[1])}" if ends else "",
        coverage=coverage,
    )


def _result(claim: Claim, cells: list[Cell], measured: Verdict | None, reason: str) -> ClaimResult:
    """Return the result of ``claim``; ``measured`` is None if too little was measured of it."""
    verdict = measured or Verdict.UNDECIDED
    return ClaimResult(
        says=claim.says,
        expression=claim.expression.text,
        confidence=claim.confidence,
        claimed=claim.claimed,
        place=claim.place or "",
        cells=cells,
        verdict=verdict,
        reason=reason,
        known=claim.known,
        known_reason=claim.reason or "",
        standing=standing_of(verdict, claim.known, is_measured=measured is not None),
    )
