"""Analyses the evidence of one run: joined tables, measures, and inconsistent records.

Uses no backend, clock or file, so a stored run gives the same values again. Client and server share
CLOCK_MONOTONIC, so their instants are compared without correction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.analysis.breakdown import decompose, slowest_requests, stage_measures
from orchestrator.analysis.client_measures import Clients, client_measures
from orchestrator.analysis.client_saturation import assess_clients, find_bottlenecks
from orchestrator.analysis.consistency import find_inconsistencies
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.host_delay import host_delay
from orchestrator.analysis.host_measures import host_measures
from orchestrator.analysis.join import Merged, merge
from orchestrator.analysis.kernel_measures import Window, kernel_measures
from orchestrator.analysis.queue_measures import queue_measures
from orchestrator.analysis.recovery import recovery_time_s
from orchestrator.analysis.server_measures import (
    FROM_LOG,
    OF_SERVICE,
    declared_measures,
    server_measures,
)
from orchestrator.analysis.statistics import Figures
from orchestrator.analysis.windows import span_of_consequences, window_measures
from orchestrator.measures.registry import ABOVE_SINGLE
from orchestrator.measures.views import SLOWEST
from orchestrator.results.client_samples import ACKED
from orchestrator.results.summary import Instrument, Reason
from orchestrator.results.tables import Flags, Table, select


@dataclass(frozen=True)
class Analysis:
    """Measures by name, None if unknown, of the run and of each group.

    ``views`` are the same of the windows of faults and of the slowest requests;
    ``inconsistencies`` are the records that are missing or do not agree.
    """

    measures: Figures
    groups: Mapping[str, Figures]
    views: Mapping[str, Figures]
    instrument: Instrument
    merged: Merged
    inconsistencies: list[Reason]

    @property
    def parts(self) -> Table:
        """The stages of each merged request, row by row; computed anew, as they are large."""
        return decompose(self.merged.requests)


def analyse(evidence: Evidence) -> Analysis:
    """Return what the evidence of one run amounts to."""
    run = evidence.clients
    merged = merge(run, evidence.log, is_proxied=evidence.is_proxied)
    requests = merged.requests
    begin_ns = run.start_ns + round(evidence.warmup_s * 1e9)
    is_acked = (requests["due_ns"] >= begin_ns) & (requests["outcome"] == ACKED)
    clients = Clients(
        run.start_ns,
        begin_ns,
        run.replicas,
        requests,
        merged.connections,
        evidence.loads,
        evidence.percentiles,
        tuple(evidence.deadlines.get(name) for name in run.groups),
    )
    stages = _stages(requests, is_acked, len(run.groups))
    groups = {
        name: client_measures(clients.of(name, number), evidence.open_groups)
        | stages.of_groups[number]
        for number, name in enumerate(run.groups)
    }
    instrument = assess_clients(run.replicas, groups)
    measures = _measures(evidence, merged, clients, stages.of_run)
    measures["client_bottlenecks"] = len(find_bottlenecks(run.replicas, groups))
    if not evidence.has_event_log:
        measures |= dict.fromkeys((*FROM_LOG, *OF_SERVICE))
        groups = {name: {**of, **dict.fromkeys(OF_SERVICE)} for name, of in groups.items()}
    views = window_measures(clients, span_of_consequences(evidence))
    measures["recovery_time"] = recovery_time_s(
        clients.requests, merged.connections, evidence.faults
    )
    views[SLOWEST] = stages.of_slowest
    inconsistencies = find_inconsistencies(evidence, requests)
    return Analysis(measures, groups, views, instrument, merged, inconsistencies)


class _Stages(NamedTuple):
    """The mean of each stage: of the run, of each group by its number, of the slowest requests."""

    of_run: Figures
    of_groups: list[Figures]
    of_slowest: Figures


def _stages(requests: Table, is_counted: Flags, groups: int) -> _Stages:
    """Return the stages of the requests that count; those of each request are not kept."""
    parts = decompose(requests)
    counted = select(parts, is_counted)
    of_groups = [
        stage_measures(select(parts, is_counted & (requests["group"] == number)))
        for number in range(groups)
    ]
    return _Stages(stage_measures(counted), of_groups, stage_measures(slowest_requests(counted)))


def _measures(evidence: Evidence, merged: Merged, clients: Clients, stages: Figures) -> Figures:
    """Return the measures of the whole run, from clients, server, queues, host and kernel."""
    measured: Figures = {
        **evidence.inputs,
        **declared_measures(evidence.log),
        **client_measures(clients, evidence.open_groups),
        **stages,
    }
    window = Window(clients.begin_ns, clients.end_ns, is_warmed_up=evidence.warmup_s > 0)
    return {
        **measured,
        **server_measures(evidence, clients.attempts, measured),
        **queue_measures(clients.attempts, merged.connections, evidence.log),
        **host_measures(evidence),
        "host_delay": host_delay(evidence, merged.requests),
        **dict.fromkeys(ABOVE_SINGLE),  # a campaign knows them, which has other runs
        **kernel_measures(evidence.kernel, window, merged.requests, merged.connections),
    }
