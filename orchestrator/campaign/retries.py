"""Which runs count: a run that the host disturbed is repeated, and only undisturbed ones count.

Pure functions of evaluated runs, so that a campaign and the analysis of its stored results agree.
Only a disturbed host is a reason to repeat a run. A run that was disturbed and in which something
happened that no busy host excuses (a crash, a lost message, an expectation of counts that failed)
is never repeated: it counts, and its case is invalid.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from labkit.wire.samples import FAILURES
from orchestrator.campaign.evaluate_run import RunEvaluation
from orchestrator.campaign.verdict import ACKED, CERTAIN, TOTALS, has_busy_host, judge
from orchestrator.measures.expression import MIN_REPEATS, Expression
from orchestrator.measures.registry import MEASURES, full_name
from orchestrator.results.summary import Outcome
from orchestrator.scenario.plan import Run
from orchestrator.scenario.scenario import Scenario

Repeats = Sequence[RunEvaluation]
"""Evaluated runs of one case."""

OUTCOMES = frozenset({
    *CERTAIN, *TOTALS, *FAILURES, "failed", "acked", "sent", "unsent", "dropped", "in_flight",
    "connected", "unanswered", "never_accepted", "worker_deaths",
})  # fmt: skip
"""Measures of what happened, not of when: a disturbed host explains none of them."""


@dataclass(frozen=True)
class Counted:
    """The runs of a case: those whose figures count, by repeat, and those that do not."""

    runs: Repeats
    disturbed: Repeats


def counted(scenario: Scenario, runs: Repeats, *, accept_invalid: bool = False) -> Counted:
    """Return which of the ``runs`` of a case count, retries among them.

    Of each repeat, the first that the host did not disturb. If too few repeats have one, the others
    are represented by their last run, and the case is invalid; so they are with ``accept_invalid``.
    """
    by_repeat: dict[int, list[RunEvaluation]] = {}
    for each in sorted(runs, key=lambda each: (each.run.repeat, each.run.attempt)):
        by_repeat.setdefault(each.run.repeat, []).append(each)
    tries = list(by_repeat.values())
    chosen = [run for each in tries for run in _first_valid(scenario, each)]
    if accept_invalid or len(chosen) < fewest(runs[0].run.repeats):
        chosen = [(*_first_valid(scenario, each), each[-1])[0] for each in tries]
    kept = {each.run.slug for each in chosen}
    return Counted(chosen, [run for each in tries for run in each if run.run.slug not in kept])


def fewest(repeats: int) -> int:
    """Return how many repeats of ``repeats`` must be undisturbed for a case to be valid.

    As many as a comparison or a confidence needs, and more than half, so that the median is one of
    the undisturbed.
    """
    return max(min(repeats, MIN_REPEATS), repeats // 2 + 1)


def is_disturbed(scenario: Scenario, each: RunEvaluation) -> bool:
    """Return whether only the host makes a run invalid, so that it may be repeated.

    A rule about clients or servers alone, such as ``makespan < 1s``, does not show that: to repeat
    the run until it holds would choose the result.
    """
    return has_busy_host(each.summary) and not _has_failed(scenario, each)


def to_repeat(scenario: Scenario, evaluations: Iterable[RunEvaluation]) -> list[Run]:
    """Return the retries of all repeats without an undisturbed run, as far as the scenario allows.

    Those of a case that was repeated least often come first, then in the order of the plan.
    """
    by_repeat: dict[tuple[str, int], list[RunEvaluation]] = {}
    retries: dict[str, int] = {}
    for each in evaluations:
        slug = each.run.case.slug
        by_repeat.setdefault((slug, each.run.repeat), []).append(each)
        retries[slug] = retries.get(slug, 0) + (each.run.attempt > 1)
    found: list[Run] = []
    for (slug, _), tries in by_repeat.items():
        left = scenario.most_retries - retries[slug]
        if left > 0 and not list(_first_valid(scenario, tries)):
            last = max(tries, key=lambda each: each.run.attempt).run
            found.append(replace(last, attempt=last.attempt + 1))
    return sorted(found, key=lambda run: run.attempt)


def with_retries(runs: Iterable[Run], slugs: AbstractSet[str]) -> Iterator[Run]:
    """Yield the ``runs`` of a plan and their retries, as far as their slugs are in ``slugs``."""
    for run in runs:
        attempt = run
        while attempt.slug in slugs:
            yield attempt
            attempt = replace(attempt, attempt=attempt.attempt + 1)


def _first_valid(scenario: Scenario, tries: Repeats) -> Iterator[RunEvaluation]:
    """Yield the first of the runs of a repeat that counts, if there is one.

    One in which something failed counts before all others, so that no retry hides it.
    """
    certain = [each for each in tries if _has_failed(scenario, each)]
    yield from (certain or [each for each in tries if not is_disturbed(scenario, each)])[:1]


def _has_failed(scenario: Scenario, each: RunEvaluation) -> bool:
    """Return whether it was aborted, an expectation of what happened failed, or no ack came."""
    if each.summary.aborted:
        return True
    case, values = each.run.case, each.values
    expectations = scenario.expectations(case.model)
    implied = judge(expectations, values, (values,), case.waiting())[len(expectations) :]
    return any(one.outcome is Outcome.FAILED or one.expression == ACKED for one in implied) or any(
        _is_of_outcomes(one) and one.evaluate(values).passed is False for one in expectations
    )


def _is_of_outcomes(expectation: Expression) -> bool:
    """Return whether the measures in ``expectation`` are all outcomes or configured values."""
    names = {full_name(name.own_name) for name in expectation.names}
    inputs = {name for name, measure in MEASURES.items() if measure.kind == "input"}
    return names <= OUTCOMES | inputs
