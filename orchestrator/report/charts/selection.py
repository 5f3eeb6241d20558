"""Which charts a report has, and where; a chart whose measures are missing is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.report.charts import bars, latency, queues, sweep
from orchestrator.report.charts.plot import Chart, Subject
from orchestrator.report.charts.time_axis import TimeAxis


@dataclass(frozen=True)
class Selection:
    """The charts ``before`` the timelines, and those ``after`` them."""

    before: Sequence[Chart] = ()
    after: Sequence[Chart] = ()


def charts_of(
    subjects: Sequence[Subject], pictured: Sequence[Subject], axis: TimeAxis
) -> Selection:
    """Return the charts of ``subjects``, of which ``pictured`` have a plot of their own."""
    if not subjects:
        return Selection()
    after = [bars.breakdown(pictured), bars.costs(pictured), bars.fairness(pictured)]
    return Selection(
        before=[queues.glance(pictured, axis.span_ns)],
        after=[
            *sweep.sweeps(subjects),
            latency.ecdf(pictured),
            latency.percentiles(pictured),
            *(chart for chart in after if chart is not None),
        ],
    )
