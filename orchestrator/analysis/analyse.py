"""Analyses the evidence of one run: joined tables, measures, and inconsistent records.

Uses no backend, clock or file, so a stored run gives the same values again. On one host client and
server share CLOCK_MONOTONIC, so their instants are compared without correction. On several, those
of clients are moved to the server's clock, and what joins both sides has the error of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from orchestrator.analysis.breakdown import decompose, slowest_requests, stage_measures
from orchestrator.analysis.client_measures import Clients, client_measures
from orchestrator.analysis.client_saturation import assess_clients, find_bottlenecks
from orchestrator.analysis.clock_errors import of_one_client, with_errors
from orchestrator.analysis.clock_offset import OffsetError
from orchestrator.analysis.common_axis import CommonAxis, common_axis
from orchestrator.analysis.consistency import find_inconsistencies
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.host_delay import host_delay
from orchestrator.analysis.host_measures import host_measures
from orchestrator.analysis.join import Merged, merge
from orchestrator.analysis.kernel_measures import Window, kernel_measures
from orchestrator.analysis.machines import machine_measures
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
from orchestrator.results.summary import Instrument, Reason, ReasonKind
from orchestrator.results.tables import Flags, Table, select

UNRELATED = "the clocks of the hosts cannot be brought to one axis"


@dataclass(frozen=True)
class Analysis:
    """Measures by name, None if unknown, of the run and of each group.

    ``views`` are the same of the windows of faults and of the slowest requests;
    ``inconsistencies`` are the records that are missing or do not agree. ``evidence`` is what was
    analysed, with all instants on one clock, and ``notes`` say how they came there. ``machines``
    are the measures of the host of each machine, if there are several or it is not this one.
    """

    evidence: Evidence
    measures: Figures
    groups: Mapping[str, Figures]
    views: Mapping[str, Figures]
    instrument: Instrument
    merged: Merged
    inconsistencies: list[Reason]
    notes: tuple[str, ...] = ()
    machines: Mapping[str, Figures] = field(default_factory=dict)

    @property
    def parts(self) -> Table:
        """The stages of each merged request, row by row; computed anew, as they are large."""
        return decompose(self.merged.requests)


def analyse(evidence: Evidence) -> Analysis:
    """Return what the evidence of one run amounts to."""
    merged = merge(evidence.clients, evidence.log, is_proxied=evidence.is_proxied)
    try:
        axis = common_axis(evidence, merged)
    except OffsetError as exc:
        found = _analyse(evidence, merged)
        reason = Reason(ReasonKind.OTHER_CLOCK, f"{UNRELATED}, {exc}")
        return replace(found, inconsistencies=[reason, *found.inconsistencies])
    return _analyse(evidence, merged) if axis is None else _analyse_axis(axis)


class _Figures(NamedTuple):
    """The figures of an analysis, without its tables, of which only one is kept at a time."""

    measures: Figures
    groups: Mapping[str, Figures]
    views: Mapping[str, Figures]

    @classmethod
    def of(cls, found: Analysis) -> "_Figures":
        return cls(found.measures, found.groups, found.views)


def _analyse_axis(axis: CommonAxis) -> Analysis:
    """Return the analysis on the server's clock: what joins two clocks has an error.

    What that is, and how large, is seen by moving the clients to both ends of the error.
    """
    exact = _figures_of_clients(*axis.with_equal_starts())
    ends = [
        _Figures.of(_analyse(*axis.on_server_clock(shift_ns), exact))
        for shift_ns in (-axis.bound_ns, axis.bound_ns)
    ]
    found = _analyse(*axis.on_server_clock(), exact)
    groups, views = (
        {
            name: with_errors(figures, [getattr(end, part)[name] for end in ends], axis.apart_s)
            for name, figures in getattr(found, part).items()
        }
        for part in ("groups", "views")
    )
    measures = with_errors(found.measures, [end.measures for end in ends], axis.apart_s)
    return replace(found, measures=measures, groups=groups, views=views, notes=tuple(axis.notes()))


def _figures_of_clients(evidence: Evidence, merged: Merged) -> _Figures:
    """Return the times between two instants of one client, of the run and of each group."""
    clients, is_open = _clients(evidence, merged), evidence.open_groups
    groups = {
        name: of_one_client(client_measures(clients.of(name, number), is_open))
        for number, name in enumerate(evidence.clients.groups)
    }
    return _Figures(of_one_client(client_measures(clients, is_open)), groups, {})


def _clients(evidence: Evidence, merged: Merged) -> Clients:
    run = evidence.clients
    return Clients(
        run.start_ns,
        run.start_ns + round(evidence.warmup_s * 1e9),
        run.replicas,
        merged.requests,
        merged.connections,
        evidence.loads,
        evidence.percentiles,
        tuple(evidence.deadlines.get(name) for name in run.groups),
    )


def _analyse(evidence: Evidence, merged: Merged, exact: _Figures | None = None) -> Analysis:
    """Return the analysis of a run all of whose instants are on one clock.

    Times between two instants of one client are those of ``exact``, if it is given.
    """
    run = evidence.clients
    requests, clients = merged.requests, _clients(evidence, merged)
    is_acked = (requests["due_ns"] >= clients.begin_ns) & (requests["outcome"] == ACKED)
    stages = _stages(requests, is_acked, len(run.groups))
    groups = {
        name: client_measures(clients.of(name, number), evidence.open_groups)
        | stages.of_groups[number]
        | (exact.groups[name] if exact else {})
        for number, name in enumerate(run.groups)
    }
    instrument = assess_clients(run.replicas, groups)
    own = stages.of_run | (exact.measures if exact else {})
    measures = _measures(evidence, merged, clients, own)
    machines = machine_measures(evidence, merged.requests)
    measures |= machines.of_run
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
    return Analysis(
        evidence, measures, groups, views, instrument, merged, inconsistencies,
        machines=machines.by_name,
    )  # fmt: skip


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


def _measures(evidence: Evidence, merged: Merged, clients: Clients, known: Figures) -> Figures:
    """Return the measures of the whole run, from clients, server, queues, host and kernel.

    Those that are ``known`` replace what ``clients`` give.
    """
    measured: Figures = {
        **evidence.inputs,
        **declared_measures(evidence.log),
        **client_measures(clients, evidence.open_groups),
        **known,
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
