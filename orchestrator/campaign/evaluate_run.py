"""Evaluates one stored run: measures, twin, charts, and the reasons why it is invalid.

Reads the run's raw files and stores its samples beside them. Runs nothing.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from orchestrator.analysis.analyse import Analysis, analyse
from orchestrator.analysis.chart_data import MAX_CASES, MAX_REQUESTS, Exhibit, exhibit
from orchestrator.analysis.chrome_trace import trace
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.export import store_samples, store_tables
from orchestrator.analysis.statistics import Figures
from orchestrator.campaign.verdict import broken_rules
from orchestrator.measures.registry import keyed
from orchestrator.results.archive import CASE, SERVER_LOG, TRACE, Archive
from orchestrator.results.client_samples import read_client_run
from orchestrator.results.fault_log import FaultRecord, read_faults
from orchestrator.results.kernel_log import read_kernel_log
from orchestrator.results.server_log import log_of, read_server_log
from orchestrator.results.summary import FaultSummary, RunSummary
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, Run
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import ServerSettings
from orchestrator.twin.comparison import TwinComparison, compare_with_twin
from orchestrator.twin.parameters import WITH_WORKERS


@dataclass(frozen=True)
class RunEvaluation:
    """The results of one run.

    ``values`` are its measures by name, those of its groups as ``group.measure``; ``exhibit`` is
    what its charts show.
    """

    run: Run
    summary: RunSummary
    exhibit: Exhibit
    values: Figures


def evaluate_run(
    scenario: Scenario, run: Run, archive: Archive, planned_cases: int
) -> RunEvaluation:
    """Evaluate the raw files of ``run`` in ``archive``, and store its samples.

    The charts of all ``planned_cases`` share one limit of requests.

    Raises:
        OSError, ValueError, KeyError: a file is missing, or was not written by a run that ended.
        ArchiveError: the samples cannot be stored.
    """
    folder = archive.raw_folder(run.slug)
    record = _read_record(replace(run.case, seed=scenario.seed), folder / CASE)
    evidence = _read_evidence(scenario, run.case, record, folder)
    analysis = analyse(evidence)
    twin = compare_with_twin(record.case, analysis.merged, evidence, record.discipline)
    analysis = replace(analysis, views={**analysis.views, **twin.views})
    _store_samples(archive, run.slug, evidence, analysis, twin)
    clients, limit = evidence.clients, MAX_REQUESTS // min(planned_cases, MAX_CASES)
    shown = exhibit(analysis.merged, clients.start_ns, clients.groups, limit, twin.predicted_ns)
    values = _values(analysis)
    groups = {**(analysis.groups if len(analysis.groups) > 1 else {}), **analysis.views}
    summary = RunSummary(
        slug=run.slug,
        seed=record.case.seed,
        measures=keyed(analysis.measures),
        groups={name: keyed(figures) for name, figures in groups.items()},
        faults=[_fault_summary(each, clients.start_ns) for each in evidence.faults],
        twin=twin.summary,
        instrument=analysis.instrument,
        invalid=[*analysis.inconsistencies, *broken_rules(scenario.validity, values)],
        notes=list(evidence.kernel.notes),
        overhead_s=record.overhead_s,
    )
    return RunEvaluation(run, summary, shown, values)


@dataclass(frozen=True)
class _Record:
    """What ``case.json`` adds to the scenario: how the server was configured and how the run ended.

    ``case`` has the seed of the run and the settings that the server ran with, and ``discipline``
    is the label of its model, so that another checkout computes the same figures.
    """

    case: Case
    discipline: str | None
    server_exit_code: int | None
    overhead_s: float


def _read_record(case: Case, path: Path) -> _Record:
    """Read ``path``; old results without settings get the defaults and labels of this checkout.

    Old results without a seed were all drawn with that of ``case``.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    case = replace(case, seed=int(stored.get("seed", case.seed)))
    end = (stored["server_exit_code"], stored["overhead_s"])
    if "server" not in stored:
        return _Record(case, discover_twins().get(case.model), *end)
    try:
        server = ServerSettings.model_validate(stored["server"])
    except ValidationError as exc:
        raise ValueError(f"{path} has invalid settings of the server") from exc
    return _Record(case.with_server(server), stored["twin"], *end)


def _read_evidence(scenario: Scenario, planned: Case, record: _Record, folder: Path) -> Evidence:
    case, log = record.case, read_server_log(folder / SERVER_LOG)
    has_event_log = log.first("listening") is not None or scenario.target_of(case.model) is None
    return Evidence(
        inputs=case.inputs() if has_event_log else _configured(planned),
        clients=read_client_run(folder),
        log=log if has_event_log else log_of([]),
        has_event_log=has_event_log,
        is_one_at_a_time=record.discipline in WITH_WORKERS,
        server_exit_code=record.server_exit_code,
        planned=case.planned(),
        open_groups=case.open_groups(),
        warmup_s=scenario.warmup_s,
        faults=read_faults(folder),
        kernel=read_kernel_log(folder),
    )


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


def _fault_summary(record: FaultRecord, start_ns: int) -> FaultSummary:
    def since_start_s(instant_ns: int | None) -> float | None:
        return None if instant_ns is None else (instant_ns - start_ns) / 1e9

    return FaultSummary(
        fault=record.fault,
        worker=record.worker,
        asked_s=(record.asked_ns - start_ns) / 1e9,
        effect_s=since_start_s(record.effect_ns),
        reverted_s=since_start_s(record.reverted_ns),
        error=record.error,
    )
