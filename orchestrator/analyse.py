"""From what was collected to what it means: measures, joined tables, and reasons for doubt.

Never touches a backend, a clock or a file: a stored case analyses to the same values again.
Client and server share CLOCK_MONOTONIC, so their instants lie on one axis without correction.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.client_measures import Clients, Figures, client_measures
from orchestrator.doubts import find_doubts
from orchestrator.evidence import Evidence
from orchestrator.health import bottlenecks, examine
from orchestrator.kernel_measures import Window, kernel_measures
from orchestrator.laws import broken_laws, law_measures
from orchestrator.merge import Merged, merge
from orchestrator.server_measures import declared, host_measures, server_measures
from orchestrator.summary import Instrument
from orchestrator.windows import recovery_time_s, windows


@dataclass(frozen=True)
class Analysis:
    """Measures by name, None where unknown; the same of each group, of each window of faults."""

    measures: Figures
    groups: Mapping[str, Figures]
    windows: Mapping[str, Figures]
    instrument: Instrument
    merged: Merged
    invalid: list[str]


def analyse(evidence: Evidence) -> Analysis:
    """Return what the evidence of one case amounts to."""
    run = evidence.clients
    merged = merge(run, evidence.log)
    begin_ns = run.start_ns + round(evidence.warmup_s * 1e9)
    counted = merged.requests[merged.requests["due_ns"] >= begin_ns]
    clients = Clients(begin_ns, run.replicas, counted, merged.connections)
    groups = {
        name: client_measures(clients.of(name, number), evidence.open_groups)
        for number, name in enumerate(run.groups)
    }
    measures: Figures = {
        **evidence.inputs,
        **declared(evidence.log),
        **client_measures(clients, evidence.open_groups),
    }
    instrument = examine(run.replicas, groups)
    end_ns = begin_ns + round(clients.makespan_s * 1e9)
    window = Window(begin_ns, end_ns, is_warmed_up=evidence.warmup_s > 0)
    measures |= {
        **server_measures(evidence, counted, measures),
        **law_measures(counted, merged.connections, evidence.log),
        **host_measures(evidence),
        **kernel_measures(evidence.kernel, window, merged.requests, merged.connections),
        "client_bottlenecks": len(bottlenecks(run.replicas, groups)),
    }
    found = windows(counted, evidence.faults, (begin_ns, end_ns))
    measures["recovery_time"] = recovery_time_s(counted, evidence.faults, found)
    doubts = [*find_doubts(evidence, merged.requests), *broken_laws(merged.requests, evidence.log)]
    return Analysis(measures, groups, found, instrument, merged, doubts)
