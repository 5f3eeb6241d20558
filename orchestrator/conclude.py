"""From a case's folder to what it says: collect, analyse, judge. Runs nothing."""

import json
from dataclasses import dataclass

from orchestrator.analyse import Analysis, analyse
from orchestrator.archive import CASE, SERVER_LOG, Archive
from orchestrator.client_measures import Figures
from orchestrator.collect import read_client_run
from orchestrator.evidence import Evidence
from orchestrator.excerpt import MAX_REQUESTS, excerpt
from orchestrator.exchange import store_samples
from orchestrator.measures import MEASURES
from orchestrator.plan import Case, plan
from orchestrator.records import Excerpt
from orchestrator.scenario import Scenario
from orchestrator.server_log import read_server_log
from orchestrator.summary import CaseSummary
from orchestrator.verdict import judge

MAX_REQUESTS_IN_ALL = 20_000
"""Shared by the pictures of a page, so that a large campaign still opens."""


@dataclass(frozen=True)
class Conclusion:
    """What a case came to, and the requests that a picture of it shows."""

    summary: CaseSummary
    excerpt: Excerpt


def conclude(scenario: Scenario, case: Case, archive: Archive) -> Conclusion:
    """Return what the raw files of ``case`` in ``archive`` say, and store its samples beside them.

    Raises:
        OSError, ValueError, KeyError: a file is not there or was not written by a case that ended.
        ArchiveError: the samples cannot be stored.
    """
    folder = archive.raw_folder(case.slug)
    ended = json.loads((folder / CASE).read_text(encoding="utf-8"))
    evidence = Evidence(
        inputs=case.inputs(),
        clients=read_client_run(folder),
        log=read_server_log(folder / SERVER_LOG),
        server_exit_code=ended["server_exit_code"],
        planned=case.planned(),
        open_groups=case.open_groups(),
    )
    analysis = analyse(evidence)
    start_ns = evidence.clients.start_ns
    store_samples(archive, case.slug, analysis.merged, start_ns)
    limit = min(MAX_REQUESTS, MAX_REQUESTS_IN_ALL // len(plan(scenario)))
    shown = excerpt(analysis.merged.requests, start_ns, evidence.clients.groups, limit)
    return Conclusion(_summary(scenario, case, analysis, ended["overhead_s"]), shown)


def _summary(scenario: Scenario, case: Case, analysis: Analysis, overhead_s: float) -> CaseSummary:
    groups = analysis.groups if len(analysis.groups) > 1 else {}
    return CaseSummary(
        name=case.name,
        model=case.model,
        slug=case.slug,
        axes=dict(case.axes),
        measures=_keyed(analysis.measures),
        groups={name: _keyed(figures) for name, figures in groups.items()},
        instrument=analysis.instrument,
        expectations=judge(scenario.expectations(case.model), analysis.measures, analysis.groups),
        invalid=analysis.invalid,
        overhead_s=overhead_s,
    )


def _keyed(figures: Figures) -> Figures:
    """Return ``figures`` by the keys of ``summary.json``, which carry the unit."""
    return {MEASURES[name].key: value for name, value in figures.items()}
