"""Trials: runs of a case at one load, and what each says of the objectives.

A trial is executed and measured as a run of a campaign is, without charts and samples. Its raw
files stay, so that any trial can be looked at again.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Protocol

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.statistics import Durations, Figures, between_ns
from orchestrator.campaign.evaluate_run import MeasuredRun, measure_run
from orchestrator.capacity.objectives import Objective, Percentile
from orchestrator.capacity.progress import SearchProgress
from orchestrator.capacity.searched_group import SearchedGroup, TrialLoad, plain
from orchestrator.capacity.trial import Flags, Lateness, Trial
from orchestrator.capacity.trial_validity import CpuUse, Doubt, cpu_use, doubts
from orchestrator.execution.backend import Backend
from orchestrator.execution.descriptors import provide_descriptors
from orchestrator.execution.run_case import execute
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.registry import full_name, percentiles_in
from orchestrator.measures.sentences import counted
from orchestrator.measures.views import PREDICTED
from orchestrator.results.archive import Archive
from orchestrator.results.capacity import NO_FIGURE, Limit, ObjectiveFigures, TrialResult
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case, Run
from orchestrator.scenario.scenario import Scenario

SPANS = {
    "response_time": ("due_ns", "ended_ns"),
    "exchange_time": ("sent_ns", "ended_ns"),
    "send_delay": ("due_ns", "sent_ns"),
}
"""The instants between which each measure of a message lies."""

BACKLOG_ERRORS = 3.0
LEAST_BACKLOG = 20
PATIENCE = 2.0
"""How many times as long as the load a trial may take, before its messages time out."""
SPARE_S = 10.0
"""And how much longer: for the answers of a load that nearly holds, and for the start."""


@dataclass(frozen=True)
class TrialOutcome:
    """One trial as it is stored, and as its verdict needs it; ``trial`` is None if it is invalid.

    ``doubts`` are why it is. ``values`` and ``use`` are the measures that show what limits a case.
    """

    result: TrialResult
    trial: Trial | None
    doubts: Sequence[Doubt] = ()
    values: Figures = field(default_factory=dict)
    use: CpuUse | None = None


class Trials(Protocol):
    """What runs trials; a search on queues of known capacity has another one."""

    def run(self, case: Case, objectives: Sequence[Objective], load: TrialLoad) -> TrialOutcome:
        """Run ``case`` once under ``load``."""


class BackendTrials:
    """Runs trials on a backend, and keeps their raw files in an archive."""

    def __init__(
        self,
        scenario: Scenario,
        group: SearchedGroup,
        backend: Backend,
        archive: Archive,
        progress: SearchProgress,
    ) -> None:
        self._scenario = scenario
        self._group = group
        self._backend = backend
        self._archive = archive
        self._progress = progress
        self._numbers: Counter[str] = Counter()

    def run(self, case: Case, objectives: Sequence[Objective], load: TrialLoad) -> TrialOutcome:
        """Run ``case`` once under ``load``.

        Raises:
            BackendError: a program could not be run.
            ArchiveError: the results cannot be written.
        """
        names = [full_name(name.name) for each in objectives for name in each.expression.names]
        at_load = self._group.at(case, load, percentiles_in(names))
        slug = self._slug(case, load.load)
        scenario = self._scenario.model_copy(
            update={
                "warmup": f"{plain(load.warmup_s)}s",
                "timeout": f"{plain(load.duration_s * PATIENCE + SPARE_S)}s",
                "repeats": 1,
            }
        )
        provide_descriptors([at_load], self._backend.name)
        folder = self._archive.raw_folder(slug)
        self._progress.trial_begun(at_load)
        execute(scenario, at_load, self._backend, folder, self._progress.callbacks)
        measured = measure_run(scenario, Run(at_load, 1, 1), folder)
        return outcome_of(slug, measured, objectives, load)

    def _slug(self, case: Case, load: float) -> str:
        place = f"{case.slug}-{self._group.slug(load)}"
        self._numbers[place] += 1
        return f"{place}-trial-{self._numbers[place]}"


def outcome_of(
    slug: str, measured: MeasuredRun, objectives: Sequence[Objective], load: TrialLoad
) -> TrialOutcome:
    """Return what a measured run says of ``objectives``."""
    trial = trial_of(measured, objectives, load)
    limits_s = [each.percentile.limit_s for each in objectives if each.percentile]
    found, messages = doubts(measured, limits_s), int(_counted(measured).sum())
    if measured.record.aborted is not None:  # what an early end lacks is no doubt
        found = [each for each in found if each[0] in NO_FIGURE]
    elif not messages or not all(len(each.late) for each in trial.lateness.values()):
        found = [*found, (Limit.UNKNOWN, "no message was due after the warm-up")]
    result = TrialResult(
        slug=slug,
        seed=load.seed,
        messages=messages,
        objectives=[_figures_of(each, trial, measured.values) for each in objectives],
        utilization=trial.utilization,
        broken=trial.broken,
        invalid=[text for _, text in found],
    )
    values = {**measured.values, "utilization": trial.utilization}
    return TrialOutcome(result, None if found else trial, found, values, cpu_use(measured))


def trial_of(measured: MeasuredRun, objectives: Sequence[Objective], load: TrialLoad) -> Trial:
    """Return the trial that a measured run was."""
    is_late: dict[str, Lateness] = {}
    margins: dict[str, float | None] = {}
    for each in objectives:
        if each.percentile is None:
            margins[each.text] = each.margin(measured.values)
        else:
            is_late[each.text] = lateness(measured, each.percentile)
    return Trial(
        load=load.load,
        seed=load.seed,
        lateness=is_late,
        margins=margins,
        utilization=utilization(measured),
        broken=broken(measured),
        overhead=measured.twin.overhead,
    )


def _counted(measured: MeasuredRun, group: str = "") -> Flags:
    """Return which requests count: those due after the warm-up, of one group if it is named."""
    requests, clients = measured.analysis.merged.requests, measured.evidence.clients
    begin_ns = clients.start_ns + round(measured.evidence.warmup_s * 1e9)
    is_counted: Flags = requests["due_ns"] >= begin_ns
    if group:
        names = clients.groups
        is_counted &= requests["group"] == (names.index(group) if group in names else len(names))
    return is_counted


def lateness(measured: MeasuredRun, objective: Percentile) -> Lateness:
    """Return which messages were late in the run, and in its twin if there is one.

    One that the twin lacks, since it has no ack, is late there too.
    """
    begin, end = SPANS[objective.measure]
    requests = measured.analysis.merged.requests
    rows = np.flatnonzero(_counted(measured, objective.group))
    counted = requests[rows[np.argsort(requests["due_ns"][rows], kind="stable")]]
    late = objective.late(_seconds(counted, begin, end, counted["outcome"] == ACKED))
    if (twin := measured.twin.samples.get(PREDICTED)) is None:
        return Lateness(late)
    replayed = twin[rows[np.argsort(requests["due_ns"][rows], kind="stable")]]
    return Lateness(late, objective.late(_seconds(replayed, begin, end, replayed["ended_ns"] > 0)))


def _seconds(table: Table, begin: str, end: str, has_ack: Flags) -> npt.NDArray[np.float64]:
    """Return durations in seconds, nan for a message without an ack."""
    return np.where(has_ack, between_ns(table, begin, end) / 1e9, np.nan)


def utilization(measured: MeasuredRun) -> float | None:
    """Return the share of the workers' time in service while the load lasts; None if unknown.

    That of the whole run counts the end, too, in which the last messages are served or given up.
    """
    values, evidence = measured.values, measured.evidence
    begin_ns, end_ns = _window_ns(evidence)
    workers = values.get("workers")
    if values.get("utilization") is None or not workers or end_ns <= begin_ns:
        return values.get("utilization")
    requests = measured.analysis.merged.requests
    served = requests[requests["finished_ns"] > 0]
    begun_ns, finished_ns = (
        served[each].astype(np.int64).clip(begin_ns, end_ns)
        for each in ("started_ns", "finished_ns")
    )
    return float((finished_ns - begun_ns).sum()) / (workers * (end_ns - begin_ns))


def _window_ns(evidence: Evidence) -> tuple[int, int]:
    """Return when the warm-up ends and when the load does; the same if that is not known."""
    start_ns = evidence.clients.start_ns
    begin_ns = start_ns + round(evidence.warmup_s * 1e9)
    ends_s = [end_s for _, end_s in evidence.loads.values() if end_s is not None]
    return begin_ns, max(start_ns + round(max(ends_s, default=0.0) * 1e9), begin_ns)


def broken(measured: MeasuredRun) -> str:
    """Return why a load cannot hold, whatever its figures are; empty if nothing shows that."""
    values = measured.values
    if (abort := measured.record.aborted) is not None:
        at = format_value(abort.at_s, TIME)
        return f"aborted after {at}: {abort.expression}, {abort.left} vs {abort.right}"
    for name, what in (
        ("dropped", "arrivals could not be sent"),
        ("failed", "messages without an ack"),
        ("errors", "errors of connections"),
    ):
        if number := values.get(name):
            return f"{number:.0f} {what}"
    if code := values.get("server_exit_code"):
        return f"the server ended with exit code {code:.0f}"
    requests, evidence = measured.analysis.merged.requests, measured.evidence
    return starved(requests, evidence) or backlog(requests, evidence)


def starved(requests: Table, evidence: Evidence) -> str:
    """Return how many users of closed groups had no answer from the middle of the load to its end.

    They wait for a worker that never comes free, as each keeps the connection of another user.
    """
    begin_ns, end_ns = _window_ns(evidence)
    closed = [
        number
        for number, group in enumerate(evidence.clients.groups)
        if group not in evidence.open_groups
    ]
    is_early = requests["due_ns"] < (begin_ns + end_ns) / 2
    is_open_ended = (requests["outcome"] != ACKED) | (requests["ended_ns"] > end_ns)
    is_starved = is_early & is_open_ended & np.isin(requests["group"], closed)
    if begin_ns == end_ns or not is_starved.any():
        return ""
    users = counted(int(np.count_nonzero(is_starved)), "users")
    return f"{users} had no answer in the second half of the load"


def backlog(requests: Table, evidence: Evidence) -> str:
    """Return that messages pile up in a run of open groups, with how many; empty if they do not.

    That is so if more are in the system at the end of the load than a queue on the verge of
    overload gathers by chance: a random walk with a step for each arrival and each service.
    """
    begin_ns, end_ns = _window_ns(evidence)
    if not evidence.open_groups or begin_ns == end_ns or not len(requests):
        return ""
    half = np.linspace(begin_ns, (begin_ns + end_ns) / 2, 20)
    before = fmean(_in_system(requests, instant) for instant in half)
    at_end = _in_system(requests, end_ns)
    steps = int(np.count_nonzero((requests["due_ns"] >= begin_ns) & (requests["due_ns"] < end_ns)))
    chance = BACKLOG_ERRORS * math.sqrt(steps * (1 + _variability(requests)))
    if at_end - before <= max(chance, LEAST_BACKLOG):
        return ""
    return f"messages pile up: {at_end} at the end of the load, {before:.0f} in its first half"


def _in_system(requests: Table, instant_ns: float) -> int:
    """Return how many messages were due and not yet answered at an instant."""
    return int(np.count_nonzero(_is_between(requests, instant_ns)))


def _is_between(requests: Table, instant_ns: float) -> Flags:
    found: Flags = (requests["due_ns"] <= instant_ns) & (requests["ended_ns"] > instant_ns)
    return found


def _variability(requests: Table) -> float:
    """Return the squared coefficient of variation of service times; 1 if they are not known."""
    served_ns: Durations = between_ns(
        requests[requests["finished_ns"] > 0], "started_ns", "finished_ns"
    )
    mean = float(served_ns.mean()) if len(served_ns) else 0.0
    return float(served_ns.var()) / mean**2 if mean > 0 else 1.0


def _figures_of(objective: Objective, trial: Trial, values: Figures) -> ObjectiveFigures:
    """Return the value of the left side, and the share of late messages of a percentile."""
    late = trial.lateness.get(objective.text)
    share = float(late.late.mean()) if late is not None and len(late.late) else None
    allowed = objective.percentile.allowed if objective.percentile else None
    return ObjectiveFigures(
        objective=objective.text,
        value=objective.value(values),
        late_share=share,
        allowed_share=allowed,
    )
