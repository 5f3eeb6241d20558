"""How long messages took: the share answered within a time, and percentiles far into the tail.

Response time is from due to acked, exchange time from sent to acked, which a naive client measures;
service time is what the server itself took. Percentiles are drawn over 1 / (1 - q) on a log axis,
as in HdrHistogram, so that each further nine is as wide as the one before.
"""

from collections.abc import Callable, Iterator, Sequence

from orchestrator.analysis.chart_data import QUOTED, Distribution
from orchestrator.analysis.statistics import is_enough
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.report.charts.plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Frame,
    Key,
    Plot,
    Scale,
    Shape,
    Subject,
    TextTable,
    Word,
    linear_scale,
    staircase,
    time_label,
    value_scale,
)
from orchestrator.report.columns import UNKNOWN

NINES = {1.0: "0", 10.0: "90", 100.0: "99", 1e3: "99.9", 1e4: "99.99"}
"""Percentiles by 1 / (1 - q)."""

LEGEND = (
    Key("curve response", "response time: from due to acked"),
    Key("curve exchange", "from sent to acked"),
    Key("curve service", "service time"),
)
PREDICTED = Key("curve predicted", "response time as predicted")

Curve = tuple[str, Distribution]


def ecdf(subjects: Sequence[Subject]) -> Chart:
    """Return the share of the messages that took at most a time, a plot for each subject."""
    x = _time_scale(subjects, LEFT, RIGHT)
    y = linear_scale(1, BOTTOM, TOP, lambda share: f"{share:.0%}", steps=5)

    def path(curve: Distribution) -> str:
        values = zip(curve.values_ns, curve.shares, strict=True)
        return staircase([(x.at(0 if not x.is_log else x.low), y.at(0))] + [
            (x.at(value_ns / 1e9), y.at(share)) for value_ns, share in values
        ])  # fmt: skip

    return Chart(
        key="ecdf",
        title="Share of the messages answered within a time",
        reading="A curve that rises early means fast answers; one that rises steeply, answers that "
        "take equally long. Messages waited if response time is to the right of service time.",
        plots=[_plot(subject, Frame(x, y, "time"), path) for subject in subjects],
        legend=_legend(subjects),
        table=_table(subjects),
    )


def percentiles(subjects: Sequence[Subject]) -> Chart:
    """Return the time at each percentile up to 99.99, a plot for each subject."""
    x = Scale(1, 1e4, LEFT, RIGHT, is_log=True).with_ticks(NINES, NINES.__getitem__)
    y = _time_scale(subjects, BOTTOM, TOP)

    def path(curve: Distribution) -> str:
        return staircase([(x.at(tail), y.at(value_s)) for tail, value_s in _tail(curve)])

    return Chart(
        key="percentiles",
        title="The tail: percentiles up to 99.99%",
        reading="Each grid line to the right is ten times farther in the tail. A curve ends where "
        "its sample ends: n messages say nothing about rarer events than 1 in n.",
        plots=[_plot(subject, Frame(x, y, "percentile"), path) for subject in subjects],
        legend=_legend(subjects),
        table=_table(subjects),
    )


def _tail(curve: Distribution) -> Iterator[tuple[float, float]]:
    """Yield each value in seconds after the 1 / (1 - q) from which it is the quantile q."""
    before = 0.0
    for share, value_ns in zip(curve.shares, curve.values_ns, strict=True):
        yield 1 / (1 - before), value_ns / 1e9
        before = share
    if curve.count:
        yield float(curve.count), curve.values_ns[-1] / 1e9


def _time_scale(subjects: Sequence[Subject], begin: float, end: float) -> Scale:
    curves = (curve for subject in subjects for _, curve in _curves(subject))
    values = (value_ns / 1e9 for curve in curves for value_ns in curve.values_ns)
    return value_scale(values, begin, end, time_label)


def _curves(subject: Subject) -> Iterator[Curve]:
    """Yield the curves from the bottom one to the top one, which covers the others."""
    for key in reversed(LEGEND):
        yield key.style, getattr(subject.exhibit, key.style.removeprefix("curve "))
    if subject.exhibit.predicted is not None:
        yield PREDICTED.style, subject.exhibit.predicted


def _plot(subject: Subject, frame: Frame, path: Callable[[Distribution], str]) -> Plot:
    curves = [(style, curve) for style, curve in _curves(subject) if curve.count]
    drawn = [Shape(style, path(curve)) for style, curve in curves]
    empty = [] if curves else [Word("tick", (LEFT + RIGHT) / 2, TOP + 80, "no ack", "middle")]
    return Plot(
        title=subject.name,
        caption=_caption(subject),
        height=HEIGHT,
        shapes=[*frame.shapes(), *drawn],
        words=[*frame.words(), *empty],
    )


def _caption(subject: Subject) -> str:
    response = subject.exhibit.response
    if not response.count:
        return "no message was acknowledged"
    slowest = format_value(response.values_ns[-1] / 1e9, TIME)
    return f"half within {_quantile_text(response, QUOTED[0])}, the slowest in {slowest}"


def _legend(subjects: Sequence[Subject]) -> list[Key]:
    is_predicted = any(subject.exhibit.predicted is not None for subject in subjects)
    return [*LEGEND, *([PREDICTED] if is_predicted else [])]


def _table(subjects: Sequence[Subject]) -> TextTable:
    meanings = {key.style: key.meaning for key in (*LEGEND, PREDICTED)}
    return TextTable(
        ("case", "time", "messages", *(f"{share * 100:g}%" for share in QUOTED)),
        [
            (
                subject.name,
                meanings[style],
                str(c.count),
                *(_quantile_text(c, share) for share in QUOTED),
            )
            for subject in subjects
            for style, c in reversed(list(_curves(subject)))
        ],
    )


def _quantile_text(curve: Distribution, share: float) -> str:
    """Return the quantile ``share``; a dash if the sample is too small for it."""
    if not is_enough(curve.count, share):
        return UNKNOWN
    ranks = zip(curve.shares, curve.values_ns, strict=True)
    return format_value(next(v for s, v in ranks if s >= share - 1e-9) / 1e9, TIME)
