"""From the repeats of every case to what is said of it, and of the models beside each other.

What a campaign found: its summary, the circumstances, and what its pictures show.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.campaign.bootstrap import MIN_REPEATS, Values, intervals, medians, rank
from orchestrator.campaign.evaluate_run import Conclusion
from orchestrator.campaign.verdict import grade, judge, judge_alone
from orchestrator.measures.registry import MEASURES
from orchestrator.results.summary import (
    CaseSummary,
    Comparison,
    Expectation,
    Fitness,
    Instrument,
    Outcome,
    Ranking,
    Summary,
)
from orchestrator.scenario.matrix import AxisValue
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario

RANKED = {"throughput": False, "response_time_p99": True}
"""By what models are ranked, and whether less is better."""

Axes = Mapping[str, AxisValue]


def aggregate(scenario: Scenario, conclusions: Sequence[Conclusion]) -> list[CaseSummary]:
    """Return what the runs of each case came to, in the order of the plan; at least one each."""
    return [
        _of_case(scenario, case, repeats)
        for case in plan_cases(scenario)
        if (repeats := _repeats(case, conclusions))
    ]


def _repeats(case: Case, conclusions: Sequence[Conclusion]) -> list[Conclusion]:
    own = [each for each in conclusions if each.run.case.slug == case.slug]
    return sorted(own, key=lambda each: each.run.repeat)


def _of_case(scenario: Scenario, case: Case, repeats: Sequence[Conclusion]) -> CaseSummary:
    runs = [each.summary for each in repeats]
    values = [each.values for each in repeats]
    keyed = [run.measures for run in runs]
    groups = {name: medians([run.groups[name] for run in runs]) for name in runs[0].groups}
    overhead_s = medians([{"overhead": run.overhead_s} for run in runs])["overhead"] or 0.0
    return CaseSummary(
        name=case.name,
        model=case.model,
        slug=case.slug,
        axes=dict(case.axes),
        measures=medians(keyed),
        intervals=intervals(keyed),
        groups=groups,
        instrument=_worst([run.instrument for run in runs]),
        expectations=judge(scenario.expectations(case.model), medians(values), values),
        guesses=grade(scenario.guesses(case.model), medians(values)),
        invalid=list(_doubts(repeats)),
        notes=list(dict.fromkeys(note for run in runs for note in run.notes)),
        overhead_s=round(overhead_s, 6),
        runs=runs,
    )


def _worst(instruments: Sequence[Instrument]) -> Instrument:
    return max(instruments, key=lambda each: list(Fitness).index(each.fitness))


def _doubts(repeats: Sequence[Conclusion]) -> Iterator[str]:
    for each in repeats:
        of_repeat = f"repeat {each.run.repeat}: " if each.run.repeats > 1 else ""
        for doubt in each.summary.invalid:
            yield f"{of_repeat}{doubt}"


def compare(
    scenario: Scenario, conclusions: Sequence[Conclusion], *, accept_invalid: bool = False
) -> tuple[list[Comparison], list[Ranking]]:
    """Return what is to be said of the models beside each other, at each load point.

    Of a model that is invalid as a measurement nothing is, unless that is accepted.
    """
    comparisons: list[Comparison] = []
    rankings: list[Ranking] = []
    for axes, cases in _points(scenario):
        repeats = {case.model: _repeats(case, conclusions) for case in cases}
        if not all(repeats.values()):
            continue  # the campaign did not get that far
        if scenario.compare:
            found = _compare(scenario, repeats, accept_invalid)
            comparisons.append(Comparison(axes=dict(axes), expectations=found))
        rankings += _rank(axes, repeats)
    return comparisons, rankings


def _points(scenario: Scenario) -> Iterator[tuple[Axes, list[Case]]]:
    """Yield each load point with its cases, one for each model."""
    cases = plan_cases(scenario)
    for first in range(0, len(cases), len(scenario.models)):
        yield cases[first].axes, cases[first : first + len(scenario.models)]


def _compare(
    scenario: Scenario,
    repeats: Mapping[str, Sequence[Conclusion]],
    accept_invalid: bool,
) -> list[Expectation]:
    rounds = [_side_by_side(together) for together in zip(*repeats.values(), strict=False)]
    judged = judge_alone(scenario.compare, medians(rounds), rounds)
    invalid = [model for model, runs in repeats.items() if any(r.summary.invalid for r in runs)]
    if accept_invalid or not invalid:
        return judged
    reason = f"{', '.join(invalid)}: invalid as a measurement"
    return [
        each.model_copy(update={"outcome": Outcome.UNKNOWN, "reason": reason}) for each in judged
    ]


def _side_by_side(together: Sequence[Conclusion]) -> Values:
    """Return the values of one round: of each model, ``throughput(prefork)``, and what all set."""
    values: dict[str, float | None] = {}
    for each in together:
        model = each.run.case.model
        values |= {f"{name}({model})": value for name, value in each.values.items()}
        values |= each.run.case.inputs()
    return values


def _rank(axes: Axes, repeats: Mapping[str, Sequence[Conclusion]]) -> Iterator[Ranking]:
    rounds = min(map(len, repeats.values()))
    if len(repeats) == 1 or rounds < MIN_REPEATS:
        return
    for name, least_first in RANKED.items():
        columns = {
            model: [value for each in runs[:rounds] if (value := each.values[name]) is not None]
            for model, runs in repeats.items()
        }
        if all(len(column) == rounds for column in columns.values()):
            ranks = rank(columns, least_first=least_first)
            yield Ranking(measure=MEASURES[name].key, axes=dict(axes), ranks=ranks)


@dataclass(frozen=True)
class Findings:
    """All that the results are made of; ``exhibits`` by the slug of their case.

    ``scenario`` is the text of the resolved one, and ``folder`` the name of that of the results.
    """

    summary: Summary
    environment: Mapping[str, object]
    exhibits: Mapping[str, Exhibit]
    scenario: str = ""
    folder: str = ""


def first_exhibits(conclusions: Sequence[Conclusion]) -> dict[str, Exhibit]:
    """Return what pictures show: of each case, its first repeat."""
    return {each.run.case.slug: each.exhibit for each in conclusions if each.run.repeat == 1}
