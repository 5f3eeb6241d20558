"""What the queueing twin shows of a case before it runs, or why it shows nothing."""

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.analysis.excerpt import excerpt
from orchestrator.execution.cpus import Cpus
from orchestrator.explore.play.predicted_run import START_NS, predict_run
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case
from orchestrator.twin.predict import NoTwinError

MOST_MESSAGES = 5_000
"""Of a case that is predicted before its run begins: some 0.1 s."""


def predicted(case: Case, limit: int) -> Exhibit | str:
    """Return what to draw of ``case``, at most ``limit`` messages, or the reason why nothing."""
    planned = list(case.planned().values())
    if None in planned or sum(each or 0 for each in planned) > MOST_MESSAGES:
        return f"not drawn: more than {MOST_MESSAGES} messages, or a number that the run decides"
    try:
        run = predict_run(case, discover_twins(), Cpus.of_this_process().usable)
    except NoTwinError as exc:
        return str(exc)
    groups = [group.name for group in case.groups]
    return Exhibit(excerpt(run.merged.requests, START_NS, groups, limit))
