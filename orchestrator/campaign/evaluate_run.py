"""Evaluates one stored run: measures, twin, charts, and the reasons why it is invalid.

Reads the run's raw files and stores its samples beside them. Runs nothing.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from labkit.clock import Clock
from orchestrator.analysis.analyse import Analysis, analyse
from orchestrator.analysis.chart_data import MAX_CASES, Exhibit, exhibit
from orchestrator.analysis.chrome_trace import trace
from orchestrator.analysis.consequences import NEVER_NS, over_ns
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.excerpt import MAX_REQUESTS
from orchestrator.analysis.export import store_samples, store_tables
from orchestrator.analysis.host_measures import cpus_text, host_notes
from orchestrator.analysis.interference import crowd_of
from orchestrator.analysis.machines import balance_of_all, machine_notes
from orchestrator.analysis.over_time import over_time
from orchestrator.analysis.statistics import Figures
from orchestrator.campaign.verdict import broken_rules, replaced_rules
from orchestrator.measures.bounds import Values, errors, lower_bounds
from orchestrator.measures.registry import key_of, keyed
from orchestrator.results.archive import CASE, SERVER_LOG, TRACE, Archive
from orchestrator.results.client_samples import read_client_run
from orchestrator.results.fault_log import FaultRecord, read_faults
from orchestrator.results.kernel_log import read_kernel_log
from orchestrator.results.proxy_log import ProxyLog, read_proxy_log
from orchestrator.results.server_log import ServerLog, log_of, read_server_log
from orchestrator.results.summary import (
    Abort,
    FaultSummary,
    Interpreter,
    Reason,
    ReasonKind,
    RunSummary,
)
from orchestrator.scenario.faults import are_proxied
from orchestrator.scenario.interpreter import Runtime
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, Run, tuned_think_times
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import ServerSettings
from orchestrator.scenario.versions import FREE_THREADED
from orchestrator.twin.comparison import TwinComparison, compare_with_twin
from orchestrator.twin.demands import faster_than_demanded
from orchestrator.twin.parameters import WITH_WORKERS


@dataclass(frozen=True)
class RunEvaluation:
    """The results of one run.

    ``values`` are its measures by name, those of its groups as ``group.measure``; ``exhibit`` is
    what its charts show. ``unknown`` are the reasons why measures that need a run of another model
    have no value, by name.
    """

    run: Run
    summary: RunSummary
    exhibit: Exhibit
    values: Figures
    unknown: Mapping[str, str] = field(default_factory=dict)


def evaluate_run(
    scenario: Scenario, run: Run, archive: Archive, planned_cases: int
) -> RunEvaluation:
    """Evaluate the raw files of ``run`` in ``archive``, and store its samples.

    The charts of all ``planned_cases`` share one limit of requests.

    Raises:
        OSError, ValueError, KeyError: a file is missing, or was not written by a run that ended.
        ArchiveError: the samples cannot be stored.
    """
    measured = measure_run(scenario, run, archive.raw_folder(run.slug))
    record, evidence, analysis, twin = (
        measured.record, measured.evidence, measured.analysis, measured.twin
    )  # fmt: skip
    _store_samples(archive, run.slug, evidence, analysis, twin)
    clients, limit = evidence.clients, MAX_REQUESTS // min(planned_cases, MAX_CASES)
    shown = exhibit(analysis.merged, clients.start_ns, clients.groups, limit, twin.predicted_ns)
    values, reasons = measured.values, measured.reasons
    groups = {**(analysis.groups if len(analysis.groups) > 1 else {}), **analysis.views}
    summary = RunSummary(
        slug=run.slug,
        repeat=run.repeat,
        seed=record.case.seed,
        measures=keyed(analysis.measures),
        groups={name: keyed(figures) for name, figures in groups.items()},
        lower_bounds=bounded_keys(values, groups),
        errors=keyed_errors(values, groups),
        clock_error_s=evidence.clock_bound_ns / 1e9,
        interpreter=_interpreter(evidence.log),
        faults=[_fault_summary(each, evidence) for each in evidence.faults],
        aborted=record.aborted,
        twin=twin.summary,
        over_time=over_time(analysis.merged, clients.start_ns, evidence.warmup_s),
        instrument=analysis.instrument,
        invalid=[each.text for each in reasons],
        invalid_kinds=[each.kind for each in reasons],
        notes=[
            *run.case.settings.limits.placement(),
            *tuned_think_times(scenario, run.case),
            *evidence.kernel.notes,
            *analysis.notes,
            *_notes_of_hosts(analysis),
            *replaced_rules(scenario.validity, values),
        ],
        host_cpu_s=balance_of_all(evidence),
        cpus=cpus_text(evidence),
        overhead_s=record.overhead_s,
    )
    return RunEvaluation(run, summary, shown, values)


def _notes_of_hosts(analysis: Analysis) -> Iterable[str]:
    evidence = analysis.evidence
    return machine_notes(evidence, analysis.machines) if analysis.machines else host_notes(evidence)


@dataclass(frozen=True)
class Record:
    """What ``case.json`` adds to the scenario: how the server was configured and how the run ended.

    ``case`` has the seed of the run and the settings that the server ran with, and ``discipline``
    is the label of its model, so that another checkout computes the same figures. ``clock`` is that
    of the instants in it.
    """

    case: Case
    discipline: str | None
    server_exit_code: int | None
    overhead_s: float
    out_of_memory: tuple[str, ...] = ()
    stop_asked_ns: int | None = None
    server_ends_ns: tuple[int, ...] = ()
    aborted: Abort | None = None
    is_one_host: bool = True
    clock: Clock | None = None


@dataclass(frozen=True)
class MeasuredRun:
    """A stored run with its measures, without charts and samples: all that a trial needs.

    ``values`` are as in `RunEvaluation`; ``reasons`` are why it is invalid as a measurement. All
    instants in ``evidence`` are on one clock.
    """

    record: Record
    evidence: Evidence
    analysis: Analysis
    twin: TwinComparison
    values: Figures
    reasons: list[Reason]


def measure_run(scenario: Scenario, run: Run, folder: Path) -> MeasuredRun:
    """Return the measures of a run from its raw files in ``folder``; store nothing.

    Raises:
        OSError, ValueError, KeyError: a file is missing, or was not written by a run that ended.
    """
    record = _read_record(replace(run.case, seed=scenario.seed), folder / CASE)
    analysis = _finite(analyse(_read_evidence(scenario, run.case, record, folder)))
    evidence = analysis.evidence
    case = as_reported(record.case, _interpreter(evidence.log))
    twin = compare_with_twin(case, analysis.merged, evidence, record.discipline)
    analysis = replace(analysis, views={**analysis.views, **twin.views})
    values = _values(analysis)
    too_fast = faster_than_demanded(
        record.case, analysis.merged.requests, has_default=evidence.has_event_log
    )
    reasons = [
        *analysis.inconsistencies,
        *(Reason(ReasonKind.BROKEN_LAW, text) for text in too_fast),
        *broken_rules(scenario.validity, values, analysis.machines),
    ]
    return MeasuredRun(record, evidence, analysis, twin, values, reasons)


def values_of(scenario: Scenario, run: Run, folder: Path) -> Figures:
    """Return the measures of a run by name, as `measure_run` does."""
    return measure_run(scenario, run, folder).values


def _read_record(case: Case, path: Path) -> Record:
    """Read ``path``; old results without settings get the defaults and labels of this checkout.

    Old results without a seed were all drawn with that of ``case``.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    case = replace(case, seed=int(stored.get("seed", case.seed)))
    end = (
        stored["server_exit_code"],
        stored["overhead_s"],
        tuple(map(str, stored.get("out_of_memory", ()))),  # older results have none of these
        stored.get("stop_asked_ns"),
        tuple(stored.get("server_ends_ns", ())),
        _abort(stored.get("aborted")),
        bool(stored.get("is_one_host", True)),
        Clock.read(stored.get("clock")),
    )
    if "server" not in stored:
        return Record(case, discover_twins().get(case.model), *end)
    try:
        server = ServerSettings.model_validate(stored["server"])
    except ValidationError as exc:
        raise ValueError(f"{path} has invalid settings of the server") from exc
    return Record(case.with_server(server), stored["twin"], *end)


def _abort(stored: object) -> Abort | None:
    return None if stored is None else Abort.model_validate(stored)


def _read_evidence(scenario: Scenario, planned: Case, record: Record, folder: Path) -> Evidence:
    case, log = record.case, read_server_log(folder / SERVER_LOG)
    is_target, faults = scenario.target_of(case.model) is not None, read_faults(folder)
    has_event_log = log.is_event_log or not is_target
    return Evidence(
        inputs=case.inputs() if has_event_log else _configured(planned),
        clients=read_client_run(folder),
        log=log if has_event_log else log_of([]),
        has_event_log=has_event_log,
        is_one_at_a_time=record.discipline in WITH_WORKERS,
        server_exit_code=record.server_exit_code,
        planned=case.planned(),
        open_groups=case.open_groups(),
        waiting=case.waiting(),
        loads=case.loads(),
        deadlines=case.deadlines(),
        warmup_s=scenario.warmup_s,
        faults=faults,
        proxy=read_proxy_log(folder) if are_proxied(scenario.faults) else ProxyLog(),
        kernel=read_kernel_log(folder),
        out_of_memory=record.out_of_memory,
        stop_asked_ns=record.stop_asked_ns,
        server_ends_ns=record.server_ends_ns,
        connections_of_lab=crowd_of(faults, _crowds(scenario, case))
        + (len(log.of("listening")) if is_target else 0),  # a target is ready when it takes one
        percentiles=case.percentiles,
        interpreter=None if is_target else case.interpreter,
        is_one_host=record.is_one_host,
        lab_clock=record.clock,
    )


def _crowds(scenario: Scenario, case: Case) -> list[int]:
    """Return the number of connections of each fault."""
    inputs = case.inputs()
    workers, backlog = int(inputs.get("workers") or 1), int(inputs.get("backlog") or 1)
    return [fault.against(workers, backlog).crowd or 0 for fault in scenario.faults]


def _finite(analysis: Analysis) -> Analysis:
    """Replace figures that are not finite by unknown ones, and name them; JSON has none such."""
    parts = {"": analysis.measures, **analysis.groups, **analysis.views}
    wrong = sorted(
        f"{part}.{name}".lstrip(".")
        for part, figures in parts.items()
        for name, value in figures.items()
        if value is not None and not math.isfinite(value)
    )
    if not wrong:
        return analysis
    doubt = Reason(ReasonKind.BROKEN_LAW, f"not a finite number: {', '.join(wrong)}")
    return replace(
        analysis,
        measures=_known(analysis.measures),
        groups={name: _known(figures) for name, figures in analysis.groups.items()},
        views={name: _known(figures) for name, figures in analysis.views.items()},
        inconsistencies=[*analysis.inconsistencies, doubt],
    )


def _known(figures: Figures) -> Figures:
    return {
        name: value if value is None or math.isfinite(value) else None
        for name, value in figures.items()
    }


def _configured(case: Case) -> dict[str, float]:
    """Return what was configured, without our servers' defaults, which a target may not have."""
    written = case.server.model_fields_set
    defaults = {"workers", "backlog"} - written
    return {name: value for name, value in case.inputs().items() if name not in defaults}


def _store_samples(
    archive: Archive, slug: str, evidence: Evidence, analysis: Analysis, twin: TwinComparison
) -> None:
    clients = evidence.clients
    store_samples(archive, slug, analysis, clients.start_ns)
    tables = {**twin.samples, "accept_queue": evidence.kernel.accept_queue}
    store_tables(archive, slug, tables)
    requests = analysis.merged.requests
    recorded = trace(requests, clients.groups, evidence.faults, clients.start_ns)
    archive.write(f"samples/{slug}/{TRACE}", recorded)


def _values(analysis: Analysis) -> Figures:
    of_groups = {
        f"{group}.{name}": value
        for group, figures in {**analysis.groups, **analysis.views}.items()
        for name, value in figures.items()
    }
    return {**analysis.measures, **of_groups}


def bounded_keys(values: Values, groups: Iterable[str]) -> list[str]:
    """Return the keys of the lower bounds in ``values``, of the run and of ``groups``."""
    own = {"", *groups}
    return [key_of(name) for name in lower_bounds(values) if name.rpartition(".")[0] in own]


def keyed_errors(values: Values, groups: Iterable[str]) -> dict[str, float]:
    """Return by key the errors of ``values``, of the run and of ``groups``."""
    own = {"", *groups}
    found = errors(values).items()
    return {key_of(name): each for name, each in found if name.rpartition(".")[0] in own}


def as_reported(case: Case, found: Interpreter | None) -> Case:
    """Return ``case`` on a free-threaded Python if its server has reported one without its lock.

    A base image, and the lab's own Python, may be one whatever its name.
    """
    if found is None or found.lock or not case.has_interpreter_lock:
        return case
    version = ".".join(found.version.split(".")[:2])
    runtime = Runtime(interpreter=f"{version}{FREE_THREADED}")
    return replace(case, settings=replace(case.settings, runtime=runtime))


def _interpreter(log: ServerLog) -> Interpreter | None:
    """Return the Python that ran the server; None if its log does not say it."""
    listening = log.first("listening") or {}
    if "python" not in listening:
        return None
    reported = [*log.of("listening"), *log.of("stopped")]
    lock = any(event.get("interpreter_lock", False) for event in reported)
    return Interpreter(version=listening["python"], lock=lock)


def _fault_summary(record: FaultRecord, evidence: Evidence) -> FaultSummary:
    start_ns = evidence.clients.start_ns

    def since_start_s(instant_ns: int | None) -> float | None:
        return None if instant_ns in (None, NEVER_NS) else (instant_ns - start_ns) / 1e9

    return FaultSummary(
        fault=record.fault,
        worker=record.worker,
        asked_s=(record.asked_ns - start_ns) / 1e9,
        effect_s=since_start_s(record.effect_ns),
        reverted_s=since_start_s(record.reverted_ns),
        over_s=since_start_s(over_ns(record, evidence)),
        error=record.error,
        is_by_hand=record.is_by_hand,
    )
