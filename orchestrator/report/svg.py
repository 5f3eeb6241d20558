"""One picture of a campaign as an SVG of its own, for a page such as the README.

It brings its colours, light and dark, and loads nothing.

The lanes of all cases of a campaign, below one another: who waits while whom is served. As in the
report, what is higher is nearer to its end.

The plots of one chart of a campaign, side by side, with what their styles stand for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.campaign.summarise import Findings
from orchestrator.report.charts.lanes import Lane, timeline
from orchestrator.report.charts.plot import Chart, Plot, Subject
from orchestrator.report.charts.selection import charts_of
from orchestrator.report.charts.time_axis import Units, axis_over
from orchestrator.report.columns import measure_text
from orchestrator.report.html import shown_campaigns
from orchestrator.report.rendering import TEMPLATES

LANES = "lanes"
WIDTH = 880


class NoSuchPictureError(ValueError):
    """The campaign has no picture of that name; the message lists those it has."""


def picture(found: Findings, name: str) -> str:
    """Return the picture ``name`` of ``found``: its `LANES`, or one of the charts of its report.

    Raises:
        NoSuchPictureError: There is none of that name.
    """
    if name == LANES:
        return lanes_picture(found)
    subjects = list(shown_campaigns([found])[0].subjects())
    axis = axis_over(each.exhibit.excerpt.end_ns for each in subjects)
    charts = charts_of(subjects, subjects, axis)
    by_name = {each.key: each for each in (*charts.before, *charts.after)}
    if name not in by_name:
        known = ", ".join((LANES, *by_name))
        raise NoSuchPictureError(f"there is no picture {name!r} of these results, but: {known}")
    return plots_picture(by_name[name], found.summary.intent)


TITLE_HEIGHT, FOOT_HEIGHT, BAND_GAP = 24, 56, 14


@dataclass(frozen=True)
class _Band:
    """One case: its lanes, which begin at ``lanes[0].y`` and are drawn from ``y`` on."""

    y: int
    name: str
    told: str
    lanes: list[Lane]

    @property
    def height(self) -> int:
        """That of all lanes."""
        return self.lanes[-1].y + self.lanes[-1].height - self.lanes[0].y

    @property
    def end(self) -> int:
        """Where the next one may begin."""
        return self.y + self.height + BAND_GAP


def lanes_picture(found: Findings) -> str:
    """Return the lanes of the connections of all cases of ``found`` that recorded any message."""
    axis = axis_over(each.excerpt.end_ns for each in found.exhibits.values())
    bands = list(_bands(found, Units(axis.span_ns)))
    return TEMPLATES.get_template("lanes.svg.j2").render(
        question=found.summary.intent,
        told="; ".join(f"{each.name}: {each.told}" for each in bands),
        width=WIDTH,
        height=(bands[-1].end if bands else TITLE_HEIGHT) + FOOT_HEIGHT,
        bands=bands,
        axis=axis,
    )


def _bands(found: Findings, units: Units) -> Iterator[_Band]:
    y = TITLE_HEIGHT
    for case in found.summary.cases:
        exhibit = Exhibit(found.exhibits[case.slug].excerpt)
        lanes = timeline(Subject(case.name, case, exhibit), units, []).connections
        if lanes:
            most, over = measure_text(case, "peak_in_service"), measure_text(case, "makespan")
            band = _Band(y, case.name, f"{most} at a time, over at {over}", lanes)
            yield band
            y = band.end + TITLE_HEIGHT


MARGIN, PLOT_GAP = 16, 4
TITLES_HEIGHT, ROW_GAP, LEGEND_ROW = 40, 18, 22
COLUMN, COLUMN_CHARS = 284, 36
"""Of the legend; one with longer words than these has one column."""


@dataclass(frozen=True)
class _Placed:
    """A plot at its place."""

    x: int
    y: int
    plot: Plot


def plots_picture(chart: Chart, question: str) -> str:
    """Return the plots of ``chart`` in rows; ``question`` is what they answer."""
    placed = list(_placed(chart.plots))
    legend_y = max((_end(each) for each in placed), default=MARGIN)
    width = max((each.x + each.plot.width for each in placed), default=0) + MARGIN
    is_long = any(len(key.meaning) > COLUMN_CHARS for key in chart.legend)
    columns = 1 if is_long else max(1, width // COLUMN)
    return TEMPLATES.get_template("plots.svg.j2").render(
        question=question,
        told="; ".join([chart.title, *(f"{each.title}: {each.told}" for each in chart.plots)]),
        width=width if columns > 1 else WIDTH,
        height=legend_y + LEGEND_ROW * -(-len(chart.legend) // columns) + MARGIN,
        placed=placed,
        legend=chart.legend,
        legend_y=legend_y,
        columns=columns,
        TITLES_HEIGHT=TITLES_HEIGHT,
        COLUMN=COLUMN,
        LEGEND_ROW=LEGEND_ROW,
    )


def _placed(plots: Sequence[Plot]) -> Iterator[_Placed]:
    x, y, below = MARGIN, MARGIN, MARGIN
    for plot in plots:
        if x > MARGIN and x + plot.width > WIDTH - MARGIN:
            x, y = MARGIN, below
        found = _Placed(x, y, plot)
        yield found
        x, below = x + plot.width + PLOT_GAP, max(below, _end(found))


def _end(placed: _Placed) -> int:
    return placed.y + TITLES_HEIGHT + placed.plot.height + ROW_GAP
