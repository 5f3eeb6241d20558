"""From a case's folder to what it says: collect, analyse, judge. Runs nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.analyse import analyse
from orchestrator.archive import CASE, SERVER_LOG
from orchestrator.collect import read_client_run, read_server_log
from orchestrator.evidence import Evidence
from orchestrator.measures import MEASURES
from orchestrator.plan import Case
from orchestrator.records import RequestRecord
from orchestrator.scenario import Scenario
from orchestrator.summary import CaseSummary
from orchestrator.verdict import judge


@dataclass(frozen=True)
class Conclusion:
    """What a case came to, and its requests one by one, in order of sending."""

    summary: CaseSummary
    requests: Sequence[RequestRecord]


def conclude(scenario: Scenario, case: Case, folder: Path) -> Conclusion:
    """Return what the files of ``case`` in ``folder`` say.

    Raises:
        OSError, ValueError: a file is not there or was not written by a case that ended.
    """
    ended = json.loads((folder / CASE).read_text(encoding="utf-8"))
    evidence = Evidence(
        inputs=case.inputs(),
        clients=read_client_run(folder),
        log=read_server_log(folder / SERVER_LOG),
        server_exit_code=ended["server_exit_code"],
    )
    analysis = analyse(evidence)
    summary = CaseSummary(
        name=case.name,
        model=case.model,
        slug=case.slug,
        axes=dict(case.axes),
        measures={MEASURES[name].key: value for name, value in analysis.measures.items()},
        expectations=judge(scenario.expectations(case.model), analysis.measures),
        invalid=analysis.invalid,
        overhead_s=ended["overhead_s"],
    )
    return Conclusion(summary, analysis.requests)
