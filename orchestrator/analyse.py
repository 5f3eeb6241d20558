"""From what was collected to what it means: measures, joined tables, and reasons for doubt.

Never touches a backend, a clock or a file: a stored case analyses to the same values again.
Client and server share CLOCK_MONOTONIC, so their instants lie on one axis without correction.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.client_measures import Clients, Figures, client_measures
from orchestrator.doubts import find_doubts
from orchestrator.evidence import Evidence
from orchestrator.health import examine
from orchestrator.merge import Merged, merge
from orchestrator.server_measures import declared, server_measures
from orchestrator.summary import Instrument


@dataclass(frozen=True)
class Analysis:
    """Measures by name, None where unknown; the same of each group; what they were made from."""

    measures: Figures
    groups: Mapping[str, Figures]
    instrument: Instrument
    merged: Merged
    invalid: list[str]


def analyse(evidence: Evidence) -> Analysis:
    """Return what the evidence of one case amounts to."""
    run = evidence.clients
    merged = merge(run, evidence.log)
    clients = Clients(run.start_ns, run.replicas, merged.requests, merged.connections)
    groups = {
        name: client_measures(clients.of(name, number), evidence.open_groups)
        for number, name in enumerate(run.groups)
    }
    measures: Figures = {
        **evidence.inputs,
        **declared(evidence.log),
        **client_measures(clients, evidence.open_groups),
    }
    return Analysis(
        measures={**measures, **server_measures(evidence, merged.requests, measures)},
        groups=groups,
        instrument=examine(run.replicas, groups),
        merged=merged,
        invalid=find_doubts(evidence, merged.requests),
    )
