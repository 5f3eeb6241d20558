"""Summarises the evaluated runs of a campaign: its cases, comparisons, rankings and exit code.

A campaign and the analysis of its stored results both end in `summarise`, so they cannot differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.campaign.answer import answer_of
from orchestrator.campaign.caveat import caveat
from orchestrator.campaign.cheapest import Candidate, cheapest
from orchestrator.campaign.claims import judge_claims
from orchestrator.campaign.evaluate_run import RunEvaluation, bounded_keys, keyed_errors
from orchestrator.campaign.load_points import (
    LoadPoint,
    between,
    complete_load_points,
    has_aborted,
)
from orchestrator.campaign.order_statistics import median_depth
from orchestrator.campaign.process_control import explained, with_process_control
from orchestrator.campaign.repeats import intervals, medians, rank
from orchestrator.campaign.retries import Counted, Repeats, counted
from orchestrator.campaign.verdict import (
    aborted_as,
    exit_code,
    grade,
    is_forgivable,
    judge,
    judge_alone,
)
from orchestrator.measures.bounds import AtLeast
from orchestrator.measures.expression import MIN_REPEATS, Expression
from orchestrator.measures.registry import MEASURES
from orchestrator.results.reproduction import ClaimResult
from orchestrator.results.summary import (
    Answer,
    CaseSummary,
    Comparison,
    Expectation,
    Fitness,
    Instrument,
    Interpreter,
    Outcome,
    Ranking,
    RunSummary,
    Status,
    Summary,
)
from orchestrator.scenario.plan import Run
from orchestrator.scenario.references import axes_named
from orchestrator.scenario.scenario import Scenario

RANKED = {"throughput": False, "response_time_p99": True}
"""The measures by which models are ranked, and whether less is better."""

FRESH_DRAWS = "over repeats with fresh draws"
ONE_SEQUENCE = "of one sequence of draws"


@dataclass(frozen=True)
class Findings:
    """All that the results are made of; ``exhibits`` by the slug of their case.

    ``scenario`` is the text of the resolved scenario, ``folder`` the name of the results folder,
    ``claims`` the verdicts on the claims of the scenario, if it has any.
    """

    summary: Summary
    environment: Mapping[str, object]
    exhibits: Mapping[str, Exhibit]
    scenario: str = ""
    folder: str = ""
    claims: Sequence[ClaimResult] = ()


def planned_cases(runs: Iterable[Run]) -> int:
    """Return the number of cases of which ``runs`` are all repeats."""
    return sum(run.repeat == 1 for run in runs)


def summarise(
    findings: Findings, scenario: Scenario, evaluations: Sequence[RunEvaluation]
) -> Findings:
    """Return ``findings`` with all that follows from ``evaluations``, in the order of their runs.

    Those are cases, comparisons, rankings and exit code, and the charts of each first repeat that
    counts.
    """
    summary = findings.summary
    accept = summary.accepts_invalid
    by_case = [
        counted(scenario, runs, accept_invalid=accept) for runs in _runs_by_case(evaluations)
    ]
    by_case = with_process_control(scenario, by_case, accept_invalid=accept)
    cases = [_summarise_case(scenario, each) for each in by_case]
    chosen = [each.runs for each in by_case]
    load_points = list(complete_load_points(scenario, chosen))
    comparisons = list(_comparisons(scenario, load_points, accept_invalid=accept))
    code = exit_code(summary.status, cases, comparisons, accept_invalid=accept)
    rankings = [ranking for each in load_points for ranking in _rank(each)]
    update = {"cases": cases, "comparisons": comparisons, "rankings": rankings, "exit_code": code}
    update["cheapest"] = cheapest(_candidates(scenario, cases, accept_invalid=accept))
    update |= {"shown": list(scenario.shown), "answer": _answer(scenario, chosen)}
    exhibits = {runs[0].run.case.slug: runs[0].exhibit for runs in chosen}
    summary = _with_caveat(summary.model_copy(update=update))
    claims = judge_claims(scenario, load_points, cases)
    return replace(findings, summary=summary, exhibits=exhibits, claims=claims)


def _answer(scenario: Scenario, by_case: Sequence[Repeats]) -> Answer:
    """Return the answer of ``scenario`` for the cases that ended, without its caveat."""
    found = [(runs[0].run.case, [each.values for each in runs]) for runs in by_case]
    return Answer(sentences=answer_of(scenario, found))


def _candidates(
    scenario: Scenario, cases: Iterable[CaseSummary], *, accept_invalid: bool
) -> Iterator[Candidate]:
    """Yield the cases that have expectations of their own, and whether they hold."""
    for case in cases:
        if scenario.expectations(case.model):
            is_valid = not case.invalid or (accept_invalid and is_forgivable(case))
            holds = all(each.outcome is Outcome.PASSED for each in case.expectations)
            workers = case.measures.get("workers")
            yield Candidate(case.name, case.axes, workers, is_valid and holds)


def _with_caveat(summary: Summary) -> Summary:
    """Return ``summary`` with the caveat that follows from the rest of it."""
    answer = summary.answer.model_copy(update={"caveat": caveat(summary)})
    return summary.model_copy(update={"answer": answer})


def with_status(findings: Findings, status: Status, reason: str) -> Findings:
    """Return ``findings`` of a campaign that was not complete in the end, because of ``reason``."""
    update = {"status": status, "reason": reason, "exit_code": exit_code(status, ())}
    summary = _with_caveat(findings.summary.model_copy(update=update))
    return replace(findings, summary=summary)


def _runs_by_case(evaluations: Iterable[RunEvaluation]) -> list[Repeats]:
    """Return the runs of each case, in the order of the plan, which that of the runs implies."""
    by_case: dict[str, list[RunEvaluation]] = {}
    for each in evaluations:
        by_case.setdefault(each.run.case.slug, []).append(each)
    return [*by_case.values()]


def summarise_case(
    scenario: Scenario, evaluations: Repeats, *, accept_invalid: bool = False
) -> CaseSummary:
    """Return the summary of one case from its runs, of which there is at least one.

    Its figures are those of the runs that count; with ``accept_invalid`` all first ones do.
    """
    return _summarise_case(scenario, counted(scenario, evaluations, accept_invalid=accept_invalid))


def _summarise_case(scenario: Scenario, found: Counted) -> CaseSummary:
    repeats = found.runs
    case, runs = repeats[0].run.case, [each.summary for each in repeats]
    values, measures = [each.values for each in repeats], [run.measures for run in runs]
    groups = {name: medians([run.groups[name] for run in runs]) for name in runs[0].groups}
    bounded = {key for run in runs for key in run.lower_bounds}
    ends = {key: each for key, each in intervals(measures).items() if key not in bounded}
    overhead_s = medians([{"overhead": run.overhead_s} for run in runs])["overhead"] or 0.0
    return CaseSummary(
        name=case.name,
        model=case.model,
        slug=case.slug,
        axes=dict(case.axes),
        measures=medians(measures),
        intervals=ends,
        coverage=median_depth(len(runs))[1] or None,
        condition=_condition(runs),
        groups=groups,
        lower_bounds=bounded_keys(medians(values), groups),
        errors=keyed_errors(medians(values), groups),
        interpreter=_common_interpreter(runs),
        instrument=_worst([run.instrument for run in runs]),
        expectations=_reasoned(
            _with_abort(
                judge(scenario.expectations(case.model), medians(values), values, case.waiting()),
                repeats,
            ),
            repeats,
        ),
        guesses=grade(scenario.guesses(case.model), medians(values)),
        invalid=list(_invalid_reasons(repeats)),
        invalid_kinds=[kind for run in runs for kind in run.invalid_kinds],
        notes=list(dict.fromkeys(note for run in runs for note in run.notes)),
        overhead_s=round(overhead_s, 6),
        runs=runs,
        disturbed=[each.summary for each in found.disturbed],
    )


def _with_abort(judged: Sequence[Expectation], repeats: Repeats) -> list[Expectation]:
    """Return ``judged`` after the aborts of ``repeats``, without what merely follows from them."""
    aborts = [
        aborted_as(each.summary.aborted, each.run.repeats - each.run.repeat)
        for each in repeats
        if each.summary.aborted
    ]
    kept = [each for each in judged if not (each.is_implied and "unsent" in each.expression)]
    return [*aborts, *(kept if aborts else judged)]


def _condition(runs: Sequence[RunSummary]) -> str:
    """Return what the intervals are conditional on; empty if there is none."""
    if len(runs) == 1:
        return ""
    return ONE_SEQUENCE if len({run.seed for run in runs}) == 1 else FRESH_DRAWS


def _common_interpreter(runs: Sequence[RunSummary]) -> Interpreter | None:
    """Return the Python of all ``runs``, None if they differ in it."""
    first = runs[0].interpreter
    return first if all(run.interpreter == first for run in runs) else None


def _worst(instruments: Sequence[Instrument]) -> Instrument:
    return max(instruments, key=lambda each: list(Fitness).index(each.fitness))


def _invalid_reasons(repeats: Repeats) -> Iterator[str]:
    for each in repeats:
        of_repeat = f"repeat {each.run.repeat}: " if each.run.repeats > 1 else ""
        for reason in each.summary.invalid:
            yield f"{of_repeat}{reason}"


def _comparisons(
    scenario: Scenario, load_points: Sequence[LoadPoint], *, accept_invalid: bool
) -> Iterator[Comparison]:
    """Yield the comparisons at each load point, then those between points.

    These are judged at each point of the axes that they do not name.
    """
    of_models = [each for each in scenario.compare if not axes_named(each)]
    for at_point in load_points if of_models else ():
        yield _compare(of_models, at_point, accept_invalid=accept_invalid)
    for expression in scenario.compare:
        for joined in between(expression.names, load_points) if axes_named(expression) else ():
            yield _compare([expression], joined, accept_invalid=accept_invalid)


def _compare(
    expressions: Sequence[Expression], at_point: LoadPoint, *, accept_invalid: bool
) -> Comparison:
    """Judge expectations that compare models; they are unknown if a model is invalid."""
    rounds = at_point.values
    judged = judge_alone(expressions, medians(rounds), rounds)
    if doubt := at_point.doubt(accept_invalid=accept_invalid):
        judged = [_unknown(each, doubt) for each in judged]
    return Comparison(axes=at_point.axes, expectations=_reasoned(judged, at_point.runs))


def _reasoned(judged: Iterable[Expectation], runs: Repeats) -> list[Expectation]:
    """Return ``judged`` with what explains a failed or an unknown one."""
    return explained(_with_cpus(judged, runs), runs)


def _with_cpus(judged: Iterable[Expectation], runs: Repeats) -> list[Expectation]:
    """Return ``judged``; a failed one names the CPUs of its runs if they had not all of them."""
    cpus = ", ".join(dict.fromkeys(run.summary.cpus for run in runs if run.summary.cpus))
    return [
        each.model_copy(update={"reason": "; ".join(filter(None, (each.reason, cpus)))})
        if each.outcome is Outcome.FAILED
        else each
        for each in judged
    ]


def _unknown(judged: Expectation, reason: str) -> Expectation:
    return judged.model_copy(update={"outcome": Outcome.UNKNOWN, "reason": reason})


def _rank(at_point: LoadPoint) -> Iterator[Ranking]:
    models, rounds = at_point.models, at_point.rounds
    if len(models) == 1 or len(rounds) < MIN_REPEATS or any(map(has_aborted, models.values())):
        return
    for name, least_first in RANKED.items():
        columns = {
            model: [value for each in runs if _is_exact(value := each.values[name])]
            for model, runs in zip(models, zip(*rounds, strict=True), strict=True)
        }
        if all(len(column) == len(rounds) for column in columns.values()):
            ranks = rank(columns, least_first=least_first)
            yield Ranking(measure=MEASURES[name].key, axes=at_point.axes, ranks=ranks)


def _is_exact(value: float | None) -> TypeGuard[float]:
    return value is not None and not isinstance(value, AtLeast)
