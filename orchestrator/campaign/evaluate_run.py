"""From a run's folder to what it says: collect, analyse. Runs nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.analysis.analyse import Analysis, analyse
from orchestrator.analysis.chart_data import MAX_CASES, MAX_REQUESTS, Exhibit, exhibit
from orchestrator.analysis.chrome_trace import trace
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.export import store_samples, store_tables
from orchestrator.analysis.statistics import Figures
from orchestrator.campaign.verdict import disturbances
from orchestrator.measures.registry import MEASURES
from orchestrator.results.archive import CASE, SERVER_LOG, TRACE, Archive
from orchestrator.results.client_samples import read_client_run
from orchestrator.results.fault_log import FaultRecord, read_faults
from orchestrator.results.kernel_log import read_kernel_log
from orchestrator.results.server_log import log_of, read_server_log
from orchestrator.results.summary import FaultSummary, RunSummary
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, Run, plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import ServerSettings
from orchestrator.twin.comparison import compare_with_twin
from orchestrator.twin.parameters import WITH_WORKERS


@dataclass(frozen=True)
class Conclusion:
    """What one run came to, and what its pictures show."""

    run: Run
    summary: RunSummary
    exhibit: Exhibit
    values: Mapping[str, float | None]
    """Its measures by name, those of its groups as ``group.measure``."""


def conclude(scenario: Scenario, run: Run, archive: Archive) -> Conclusion:
    """Return what the raw files of ``run`` in ``archive`` say, and store its samples beside them.

    Raises:
        OSError, ValueError, KeyError: a file is not there or was not written by a run that ended.
        ArchiveError: the samples cannot be stored.
    """
    folder = archive.raw_folder(run.slug)
    ended = json.loads((folder / CASE).read_text(encoding="utf-8"))
    case, discipline = _as_run(run.case, ended)
    log = read_server_log(folder / SERVER_LOG)
    has_event_log = log.first("listening") is not None or scenario.target_of(case.model) is None
    evidence = Evidence(
        inputs=case.inputs() if has_event_log else _configured(run.case),
        clients=read_client_run(folder),
        log=log if has_event_log else log_of([]),
        has_event_log=has_event_log,
        is_one_at_a_time=discipline in WITH_WORKERS,
        server_exit_code=ended["server_exit_code"],
        planned=case.planned(),
        open_groups=case.open_groups(),
        warmup_s=scenario.warmup_s,
        faults=read_faults(folder),
        kernel=read_kernel_log(folder),
    )
    analysis = analyse(evidence)
    twin = compare_with_twin(case, analysis.merged, evidence, discipline)
    analysis = replace(analysis, views={**analysis.views, **twin.views})
    start_ns = evidence.clients.start_ns
    store_samples(archive, run.slug, analysis, start_ns)
    tables = {**twin.samples, "accept_queue": evidence.kernel.accept_queue}
    store_tables(archive, run.slug, tables)
    groups = evidence.clients.groups
    recorded = trace(analysis.merged.requests, groups, evidence.faults, start_ns)
    archive.write(f"samples/{run.slug}/{TRACE}", recorded)
    limit = MAX_REQUESTS // min(len(plan_cases(scenario)), MAX_CASES)
    shown = exhibit(analysis.merged, start_ns, groups, limit, twin.predicted_ns)
    values = _values(analysis)
    told = [_fault(each, start_ns) for each in evidence.faults]
    summary = _summary(run, analysis, told, ended["overhead_s"])
    disturbed = [*summary.invalid, *disturbances(scenario.validity, values)]
    update = {"invalid": disturbed, "notes": list(evidence.kernel.notes), "twin": twin.summary}
    summary = summary.model_copy(update=update)
    return Conclusion(run, summary, shown, values)


def _as_run(case: Case, ended: Mapping[str, Any]) -> tuple[Case, str | None]:
    """Return ``case`` with the settings that its server ran with, and its model's discipline.

    Both are in the results, so that another checkout comes to the same figures. Results of before
    that was so are analysed with this checkout's defaults and labels.
    """
    if "server" not in ended:
        return case, discover_twins().get(case.model)
    return case.with_server(ServerSettings.model_validate(ended["server"])), ended["twin"]


def _configured(case: Case) -> dict[str, float]:
    """Return what was configured without the defaults of our servers, which a stranger may lack."""
    written = case.server.model_fields_set
    defaults = {"workers", "backlog"} - written
    return {name: value for name, value in case.inputs().items() if name not in defaults}


def _summary(
    run: Run, analysis: Analysis, faults: list[FaultSummary], overhead_s: float
) -> RunSummary:
    groups = {**(analysis.groups if len(analysis.groups) > 1 else {}), **analysis.views}
    return RunSummary(
        slug=run.slug,
        measures=keyed(analysis.measures),
        groups={name: keyed(figures) for name, figures in groups.items()},
        faults=faults,
        instrument=analysis.instrument,
        invalid=analysis.invalid,
        overhead_s=overhead_s,
    )


def _fault(record: FaultRecord, start_ns: int) -> FaultSummary:
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


def _values(analysis: Analysis) -> Figures:
    of_groups = {
        f"{group}.{name}": value
        for group, figures in {**analysis.groups, **analysis.views}.items()
        for name, value in figures.items()
    }
    return {**analysis.measures, **of_groups}


def keyed(figures: Mapping[str, float | None]) -> Figures:
    """Return ``figures`` by the keys of ``summary.json``, which carry the unit."""
    return {MEASURES[name].key: value for name, value in figures.items()}
