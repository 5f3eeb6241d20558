"""Which charts a campaign has: none of what nobody measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.report.charts import bars, latency, queues, sweep
from orchestrator.report.charts.plot import Chart, Subject
from orchestrator.report.charts.time_axis import Axis


@dataclass(frozen=True)
class Selection:
    """The charts that stand ``before`` the timelines, and those that stand ``after`` them."""

    before: Sequence[Chart] = ()
    after: Sequence[Chart] = ()


def charts_of(subjects: Sequence[Subject], pictured: Sequence[Subject], axis: Axis) -> Selection:
    """Return the charts of ``subjects``, of whom ``pictured`` are drawn one by one."""
    if not subjects:
        return Selection()
    after = [bars.parts(pictured), bars.costs(pictured), bars.fairness(pictured)]
    return Selection(
        before=[queues.glance(pictured, axis.span_ns)],
        after=[
            *sweep.sweeps(subjects),
            latency.ecdf(pictured),
            latency.percentiles(pictured),
            *(chart for chart in after if chart is not None),
        ],
    )
