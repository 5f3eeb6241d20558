"""Searches the capacity of one case: trials at each load that the search chooses, until it ends.

The bounds and the trials so far are kept at every instant, so that an interrupt loses none.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple, Protocol

from orchestrator.capacity.bracket import widening
from orchestrator.capacity.case_search import CaseSearch
from orchestrator.capacity.classify import Classified
from orchestrator.capacity.limiting import LoadMeasures, limited_by
from orchestrator.capacity.long_run import LEAST_SETTLING_S, CaseTwin
from orchestrator.capacity.objectives import Objective
from orchestrator.capacity.search import SearchSettings, Step
from orchestrator.capacity.searched_group import SearchedGroup, TrialLoad
from orchestrator.capacity.trial import Trial
from orchestrator.capacity.trial_validity import Doubt, doubt_of_failure
from orchestrator.capacity.trials import TrialOutcome, Trials
from orchestrator.results.capacity import (
    NO_FIGURE,
    CaseCapacity,
    Limit,
    LoadKind,
    LoadResult,
    ObjectiveFigures,
    TrialResult,
    Verdict,
)
from orchestrator.scenario.plan import Case, seed_of_repeat


class Length(NamedTuple):
    """How long a trial is: it has so many ``messages``, and enough that ``late`` may be late."""

    messages: int
    late: int


CLOSE = Length(2_000, 10)
WIDTH_OF_CLOSE = 0.1
"""Simulated searches find bounds that near with such trials; a share that must be known twice as
well needs four times as many messages."""

WIDE = Length(500, 5)
WIDE_AT_FIRST, WIDE_OVERLOADED = Length(350, 3), Length(200, 2)
"""Of the first trials of a load in a wide search, which are to decide it; and if the twin does not
bear that load, so that many messages are late."""

WIDE_WITHOUT_TWIN = Length(1_000, 10)
"""None late of fewer messages would not be enough, without the twin's word on clumps."""

FIRST_TRIALS = 3

MOST_INVALID = 3
"""Trials of a load that are repeated because they do not count."""

MOST_TRIALS = 9
"""Trials of a load that count; each load of a case draws other ones."""

MOST_DURATION_S = 3600.0

MOST_SMALLER = 4
LONGEST_SMALLER_S = 20.0
"""How many smaller loads are tried below one that was not measured, and how long a trial of one may
take. Each is further from the last one, so the fourth is a 58th of the first."""

INTERRUPTED = "the search was interrupted"


@dataclass(frozen=True)
class CasePlan:
    """One case and how it is searched.

    ``label`` is that of its model's twin; ``workers`` how many serve one message at a time each,
    None if there are none such. ``predicted`` is the capacity of the twin, None for the reason in
    ``prediction``. ``warmup_s`` returns how long its queue takes to settle at a load.
    """

    case: Case
    label: str
    workers: int | None
    objectives: Sequence[Objective]
    predicted: float | None = None
    prediction: str = ""
    warmup_s: Callable[[float], float] = lambda _: LEAST_SETTLING_S
    twin: CaseTwin | None = None


@dataclass(frozen=True)
class SearchTerms:
    """What is asked of all cases: the searched ``group``, the load asked ``at``, how closely."""

    group: SearchedGroup
    at: float | None
    width: float
    confidence: float
    seed: int

    @property
    def settings(self) -> SearchSettings:
        """The settings of each search."""
        return SearchSettings(self.width, is_whole=self.group.kind is LoadKind.USERS)


class Judge(Protocol):
    """What classifies a load by its trials; see `orchestrator.capacity.classify.classify`."""

    def __call__(self, plan: CasePlan, load: float, trials: Sequence[Trial]) -> Classified:
        """Return the verdict, None if another trial is needed."""


class CaseRun:
    """The search of one case; ``on_load`` is called with each load that has a verdict."""

    def __init__(
        self,
        plan: CasePlan,
        terms: SearchTerms,
        trials: Trials,
        judge: Judge,
        on_load: Callable[[LoadResult], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._terms = terms
        self._trials = trials
        self._judge = judge
        self._on_load = on_load
        guess = terms.group.guess(plan.case, plan.workers)
        self._search = CaseSearch(terms.settings, plan.predicted, guess, terms.at)
        self._loads: list[LoadResult] = []
        self._measures: dict[float, LoadMeasures] = {}
        self._doubt: Doubt | None = None
        self._is_of_load = False  # whether the doubt may go if the load is smaller

    def run(self) -> None:
        """Try loads until the search has ended, or the trials do not measure the server.

        Then smaller loads show what it bears at least.

        Raises:
            LabError: a trial could not be run.
        """
        while self._doubt is None and (step := self._search.next()) is not None:
            self._take(step)
        for load in self._smaller_loads():
            if self._take(self._search.propose(load)) is Verdict.HOLDS:
                return

    def _smaller_loads(self) -> Iterator[float]:
        """Yield what to try below a load that was not measured: the load asked about, then others.

        The others only if no load held, and not beside other programs, which disturb them as well.
        """
        if self._doubt is None or self._doubt[0] not in NO_FIGURE:
            return
        edge, at, held = self._loads[-1].load, self._terms.at, self._search.lower
        is_tried = any(each.load == at for each in self._loads)
        if at is not None and not is_tried and (held or 0.0) < at < edge:
            yield at
            edge = at
        if held is not None or not self._is_of_load:
            return
        for times in range(1, MOST_SMALLER + 1):
            edge /= widening(times)
            edge = edge if self._terms.group.has_rate else float(math.floor(edge))
            if not edge or self._load(edge, 0).duration_s > LONGEST_SMALLER_S:
                return
            yield edge

    def _take(self, step: Step) -> Verdict:
        """Classify one load; a verdict that is none of the server's ends the search.

        Below such a load none is a bound because it does not hold: the reason may be the same.
        """
        outcomes: list[TrialOutcome] = []
        classified = self._classify(step, outcomes)
        valid = [each for each in outcomes if each.trial is not None]
        measures = LoadMeasures(
            [each.values for each in valid], [each.use for each in valid if each.use]
        )
        figures: list[ObjectiveFigures] = []
        if classified is not None:
            figures = with_values(classified.figures, [each.result for each in valid])
            self._measures[step.load] = measures
        verdict, reason, doubt = self._verdict(classified, outcomes, measures)
        found = LoadResult(
            load=step.load,
            verdict=verdict,
            reason=reason,
            is_confirmation=step.is_confirmation,
            objectives=figures,
            trials=[each.result for each in outcomes],
        )
        self._loads.append(found)
        if self._doubt is None and doubt is not None:
            self._doubt = doubt
            self._is_of_load = classified is not None or doubt[0] is Limit.CLIENTS
        if self._doubt is None or verdict is Verdict.HOLDS:
            self._search.record(verdict)
        self._on_load(found)
        return verdict

    def _verdict(
        self,
        classified: Classified | None,
        outcomes: Sequence[TrialOutcome],
        measures: LoadMeasures,
    ) -> tuple[Verdict, str, Doubt | None]:
        """Return the verdict on a load, why, and what limits it if not the server."""
        if classified is None or classified.verdict is None:
            doubt = outcomes[-1].doubts[0]
            invalid = sum(each.trial is None for each in outcomes)
            return Verdict.UNDECIDED, f"{invalid} trials do not count: {doubt[1]}", doubt
        if classified.verdict is not Verdict.FAILS:
            return classified.verdict, classified.reason, None
        if own := doubt_of_failure(measures.uses):
            reason = f"it does not hold, but not because of the server: {own[1]}"
            return Verdict.UNDECIDED, reason, own
        if self._doubt is not None:
            reason = f"it does not hold, perhaps not because of the server: {self._doubt[1]}"
            return Verdict.UNDECIDED, reason, self._doubt
        return Verdict.FAILS, classified.reason, None

    def _classify(self, step: Step, outcomes: list[TrialOutcome]) -> Classified | None:
        """Run trials until they have a verdict; None if too many of them do not count.

        Each is appended to ``outcomes``.
        """
        plan, invalid = self._plan, 0
        valid: list[Trial] = []
        while invalid <= MOST_INVALID:
            outcome = self._trials.run(
                plan.case, plan.objectives, self._load(step.load, len(valid))
            )
            outcomes.append(outcome)
            if outcome.trial is None:
                invalid += 1
                continue
            valid.append(outcome.trial)
            found = self._judge(plan, step.load, valid)
            if found.verdict is not None:
                return found
        return None

    def _load(self, load: float, done: int) -> TrialLoad:
        """Return the load of the trial after ``done`` valid ones.

        Trials have the numbers of their place in the search, so that cases have the same draws.
        """
        plan, terms = self._plan, self._terms
        length = length_of_trial(load, plan.predicted, done, terms.settings)
        messages = messages_of_trial(plan.objectives, length)
        per_s = terms.group.throughput_per_s(plan.case, load, plan.workers)
        number = 1 + len(self._loads) * MOST_TRIALS + done
        warmup_s = plan.warmup_s(load)
        if terms.settings.is_wide and plan.twin is not None:
            # The twin begins as the trial does, so that its long run corrects what is left of that.
            warmup_s = min(warmup_s, max(messages / per_s, LEAST_SETTLING_S))
        if length is WIDE_OVERLOADED:  # a queue that has not settled yet has fewer late messages
            warmup_s = LEAST_SETTLING_S
        duration_s = min(warmup_s + messages / per_s, MOST_DURATION_S)
        return TrialLoad(load, duration_s, warmup_s, seed_of_repeat(terms.seed, number))

    def result(self, *, is_interrupted: bool = False) -> CaseCapacity:
        """Return the bounds so far and what they rest on."""
        plan, search, at = self._plan, self._search, self._terms.at
        lower, upper = search.lower, search.upper
        limit, evidence = self._limit()
        at_lower = None if lower is None else self._measures.get(lower)
        cpu_s = at_lower.median_of("cpu_time_per_message") if at_lower else None
        return CaseCapacity(
            name=plan.case.name,
            model=plan.case.model,
            axes=dict(plan.case.axes),
            workers=self._workers(),
            lower=lower,
            upper=None if limit in NO_FIGURE else upper,
            ended=INTERRUPTED if is_interrupted else self._ended(),
            is_complete=not is_interrupted and self._doubt is None and search.is_complete,
            predicted=plan.predicted,
            prediction=plan.prediction,
            limited_by=limit,
            evidence=evidence,
            cpu_s_per_1000_messages=None if cpu_s is None else 1000 * cpu_s,
            at=search.at_verdict,
            headroom_low=_headroom(lower, at),
            headroom_high=None if limit in NO_FIGURE else _headroom(upper, at),
            loads=list(self._loads),
        )

    def _workers(self) -> int:
        """Return how many workers the server said that it has, 1 for a loop; else as configured."""
        declared = [each.workers(self._plan.case) for each in self._measures.values()]
        return declared[0] if declared else self._plan.workers or self._plan.case.workers

    def _ended(self) -> str:
        return (
            f"trials do not measure the server: {self._doubt[1]}"
            if self._doubt
            else (self._search.ended)
        )

    def _limit(self) -> tuple[Limit, str]:
        if self._doubt is not None:
            return self._doubt
        upper = self._search.upper
        at_upper = LoadMeasures([], []) if upper is None else self._measures[upper]
        return limited_by(self._plan.case, self._plan.label, at_upper)


def with_values(
    figures: Sequence[ObjectiveFigures], trials: Sequence[TrialResult]
) -> list[ObjectiveFigures]:
    """Return the ``figures`` of a load, each with the median of its value in ``trials``."""
    found = []
    for number, each in enumerate(figures):
        values = [trial.objectives[number].value for trial in trials]
        known = [value for value in values if value is not None]
        found.append(each.model_copy(update={"value": median(known) if known else None}))
    return found


def length_of_trial(
    load: float, predicted: float | None, done: int, settings: SearchSettings
) -> Length:
    """Return the length of the trial after ``done`` ones; ``predicted``: the twin's capacity."""
    if not settings.is_wide:
        times = times_as_long(settings.width)
        return Length(round(CLOSE.messages * times), round(CLOSE.late * times))
    if predicted is None:
        return WIDE_WITHOUT_TWIN
    if done >= FIRST_TRIALS:
        return WIDE
    return WIDE_AT_FIRST if load <= predicted else WIDE_OVERLOADED


def times_as_long(width: float) -> float:
    """Return how many times as many messages as `CLOSE` has a ``width`` needs; 1 or more."""
    return max((WIDTH_OF_CLOSE / width) ** 2, 1.0)


def messages_of_trial(objectives: Sequence[Objective], length: Length) -> int:
    """Return how many messages a trial has after its warm-up."""
    shares = [each.percentile.allowed for each in objectives if each.percentile is not None]
    return max([length.messages, *(math.ceil(length.late / share - 1e-6) for share in shares)])


def _headroom(bound: float | None, at: float | None) -> float | None:
    return None if bound is None or not at else bound / at - 1
