"""What there is to tell of a run and its twin: figures, samples, and where they part."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from orchestrator.client_measures import Figures
from orchestrator.decompose import DECOMPOSED, decompose
from orchestrator.evidence import Evidence
from orchestrator.merge import Merged
from orchestrator.models import discover_twins
from orchestrator.plan import Case
from orchestrator.quantiles import Durations, between_ns
from orchestrator.scenario.naming import PREDICTED
from orchestrator.summary import TwinSummary
from orchestrator.tables import Table
from orchestrator.twin.compare import Twin, figures_of, twin_of
from orchestrator.twin.overhead import Overhead
from orchestrator.twin.parting import parting
from orchestrator.twin.predict import NoTwinError

INSTANTS = (
    "due_ns", "sent_ns", "accepted_ns", "dequeued_ns", "started_ns", "finished_ns", "ended_ns",
)  # fmt: skip
SAMPLE = np.dtype(
    [(each, "<i8") for each in (*INSTANTS, "response_ns", "residual_ns")] + DECOMPOSED.descr
)
"""A request as the twin has it; ``residual_ns`` is the measured response time less its own."""


@dataclass(frozen=True)
class Beside:
    """A run's twin: ``views`` are its figures and ``samples`` its requests, by how it was fed.

    Row by row those of the run, all 0 for a request that the twin does not have. Both are empty
    where there is no twin; the summary says why.
    """

    summary: TwinSummary
    views: Mapping[str, Figures] = field(default_factory=dict)
    samples: Mapping[str, Table] = field(default_factory=dict)

    @property
    def predicted_ns(self) -> Durations | None:
        """The response times that it predicts, None where there is no twin."""
        table = self.samples.get(PREDICTED)
        return None if table is None else table["response_ns"][table["ended_ns"] > 0]


def beside(case: Case, merged: Merged, evidence: Evidence) -> Beside:
    """Return what the twin makes of a run of ``case``."""
    start_ns = evidence.clients.start_ns
    cpus = evidence.clients.host.get("cpus") or float(os.cpu_count() or 1)
    try:
        twin = twin_of(case, merged, start_ns, discover_twins(), cpus)
    except NoTwinError as exc:
        return Beside(TwinSummary(remark=str(exc)))
    begin_ns = start_ns + round(evidence.warmup_s * 1e9)
    views = {name: figures_of(table, begin_ns, twin.workers) for name, table in twin.tables.items()}
    found = parting(figures_of(twin.requests, begin_ns, twin.workers), views[PREDICTED])
    told = TwinSummary(
        remark=str(found or ""),
        part=found.part if found else None,
        grew_s=found.grew_s if found else None,
        overhead_s=_in_seconds(twin.overhead),
    )
    samples = {name: _samples(twin, table, merged) for name, table in twin.tables.items()}
    return Beside(told, views, samples)


def _in_seconds(overhead: Overhead) -> dict[str, float]:
    return {name.removesuffix("_ns"): ns / 1e9 for name, ns in asdict(overhead).items()}


def _samples(twin: Twin, table: Table, merged: Merged) -> Table:
    """Return a row of `SAMPLE` for each request of the run."""
    samples: Table = np.zeros(len(merged.requests), SAMPLE)
    own: Table = np.zeros(len(table), SAMPLE)
    for column in INSTANTS:
        own[column] = table[column]
    own["response_ns"] = between_ns(table, "due_ns", "ended_ns")
    own["residual_ns"] = between_ns(twin.requests, "due_ns", "ended_ns") - own["response_ns"]
    parts = decompose(table)
    for column in DECOMPOSED.names or ():
        own[column] = parts[column]
    samples[twin.rows] = own
    return samples
