"""Which charts a report has, and where; a chart that would be blank is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.report.charts import bars, groups, latency, queues, sweep
from orchestrator.report.charts.plot import Chart, Subject
from orchestrator.report.charts.time_axis import TimeAxis
from orchestrator.report.columns import axis_names

EXCHANGE = "exchange_time"
"""A question about it is about curves: what a client reports that starts its clock late."""


@dataclass(frozen=True)
class Selection:
    """The charts that ``answer`` the question, none if the timelines do; and the ``rest``."""

    answer: Sequence[Chart] = ()
    rest: Sequence[Chart] = ()


def charts_of(
    subjects: Sequence[Subject],
    pictured: Sequence[Subject],
    axis: TimeAxis,
    asked: Sequence[str] = (),
) -> Selection:
    """Return the charts of ``subjects``, of which ``pictured`` have a plot of their own.

    ``asked`` are the measures in question, by full name. What the scenario varies answers: a swept
    axis, several client groups; else the timelines, which the page has in any case.
    """
    if not subjects:
        return Selection()
    swept = list(sweep.sweeps(subjects, asked))
    of_groups = groups.groups(subjects, asked)
    curves = _known(latency.percentiles(pictured))
    if swept:
        answer = swept
    elif of_groups is not None:
        answer = [of_groups]
    elif _is_varied(subjects):
        answer = _known(groups.cases_side_by_side(subjects, asked))
    elif any(EXCHANGE in name for name in asked):
        answer = curves
    else:
        answer = []
    found = _known(
        of_groups,
        queues.glance(pictured, axis.span_ns),
        latency.ecdf(pictured),
        *curves,
        bars.breakdown(pictured),
        bars.costs(pictured),
        bars.fairness(pictured),
    )
    return Selection(answer, [chart for chart in found if chart not in answer])


def _known(*charts: Chart | None) -> list[Chart]:
    return [chart for chart in charts if chart is not None and not chart.is_blank]


def _is_varied(subjects: Sequence[Subject]) -> bool:
    """Return whether an axis has several values, which are not numbers or they would be swept."""
    cases = [subject.case for subject in subjects]
    return any(len({str(c.axes.get(axis)) for c in cases}) > 1 for axis in axis_names(cases))
