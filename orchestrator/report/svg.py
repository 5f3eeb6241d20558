"""One picture of a campaign as an SVG file, for a page such as the README.

Either the lanes of all cases below one another, or the plots of one chart of the report in rows. A
picture contains its colors, light and dark, and loads nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.campaign.summarise import Findings
from orchestrator.report.charts.lanes import Lane, timeline
from orchestrator.report.charts.over_time import over_time
from orchestrator.report.charts.plot import Chart, Plot, Subject
from orchestrator.report.charts.selection import charts_of
from orchestrator.report.charts.time_axis import Units, axis_over
from orchestrator.report.columns import measure_text
from orchestrator.report.html import shown_campaigns
from orchestrator.report.rendering import TEMPLATES

LANES = "lanes"
WIDTH = 880
TITLE_HEIGHT, FOOT_HEIGHT, BAND_GAP = 24, 56, 14
MARGIN, PLOT_GAP = 16, 4
TITLES_HEIGHT, ROW_GAP, LEGEND_ROW = 40, 18, 22
CAPTION_CHARS = 45
COLUMN, COLUMN_CHARS = 284, 36
"""Of the legend, which has one column if its texts are longer than this."""


class NoSuchPictureError(ValueError):
    """The campaign has no picture of that name; the message lists those it has."""


@dataclass(frozen=True)
class _Band:
    """The lanes of one case, which begin at ``lanes[0].y`` and are drawn from ``y`` on."""

    y: int
    name: str
    caption: str
    lanes: list[Lane]

    @property
    def height(self) -> int:
        """The height of all lanes."""
        return self.lanes[-1].y + self.lanes[-1].height - self.lanes[0].y

    @property
    def end(self) -> int:
        """Where the next band may begin."""
        return self.y + self.height + BAND_GAP


@dataclass(frozen=True)
class _PlacedPlot:
    """A plot at its place in the picture."""

    x: int
    y: int
    plot: Plot

    @property
    def end(self) -> int:
        """Where the next row may begin."""
        return self.y + TITLES_HEIGHT + self.plot.height + ROW_GAP


def picture(findings: Findings, name: str) -> str:
    """Return the picture ``name`` of ``findings``: `LANES`, or the key of a chart of the report.

    Raises:
        NoSuchPictureError: there is none of that name.
    """
    if name == LANES:
        return _lanes_picture(findings)
    subjects = list(shown_campaigns([findings])[0].subjects())
    axis = axis_over(subject.exhibit.excerpt.end_ns for subject in subjects)
    charts = charts_of(subjects, subjects, axis, findings.summary.shown)
    found = (*charts.answer, over_time(subjects), *charts.rest)
    by_name = {chart.key: chart for chart in found if chart is not None}
    if name not in by_name:
        known = ", ".join((LANES, *by_name))
        raise NoSuchPictureError(f"these results have no picture {name!r}; they have: {known}")
    return _plots_picture(by_name[name], findings.summary.intent)


def _lanes_picture(findings: Findings) -> str:
    """Return the lanes of the connections of all cases that recorded any message."""
    axis = axis_over(exhibit.excerpt.end_ns for exhibit in findings.exhibits.values())
    bands = list(_bands(findings, Units(axis.span_ns)))
    return TEMPLATES.get_template("lanes.svg.j2").render(
        question=findings.summary.intent,
        caption="; ".join(f"{band.name}: {band.caption}" for band in bands),
        width=WIDTH,
        height=(bands[-1].end if bands else TITLE_HEIGHT) + FOOT_HEIGHT,
        bands=bands,
        axis=axis,
    )


def _bands(findings: Findings, units: Units) -> Iterator[_Band]:
    y = TITLE_HEIGHT
    for case in findings.summary.cases:
        exhibit = Exhibit(findings.exhibits[case.slug].excerpt)
        lanes = timeline(Subject(case.name, case, exhibit), units, []).connections
        if lanes:
            peak, total = measure_text(case, "peak_in_service"), measure_text(case, "makespan")
            band = _Band(y, case.name, f"{peak} at a time, {total} in total", lanes)
            yield band
            y = band.end + TITLE_HEIGHT


def _plots_picture(chart: Chart, question: str) -> str:
    """Return the plots of ``chart`` in rows; ``question`` is what they answer."""
    placed = list(_place(chart.plots))
    legend_y = max((each.end for each in placed), default=MARGIN)
    width = max((each.x + each.plot.width for each in placed), default=0) + MARGIN
    is_long = any(len(key.meaning) > COLUMN_CHARS for key in chart.legend)
    columns = 1 if is_long else max(1, width // COLUMN)
    return TEMPLATES.get_template("plots.svg.j2").render(
        question=question,
        caption="; ".join([chart.title, *(f"{p.title}: {p.caption}" for p in chart.plots)]),
        width=width if columns > 1 else WIDTH,
        height=legend_y + LEGEND_ROW * -(-len(chart.legend) // columns) + MARGIN,
        placed=placed,
        legend=chart.legend,
        legend_y=legend_y,
        columns=columns,
        TITLES_HEIGHT=TITLES_HEIGHT,
        CAPTION_CHARS=CAPTION_CHARS,
        COLUMN=COLUMN,
        LEGEND_ROW=LEGEND_ROW,
    )


def _place(plots: Sequence[Plot]) -> Iterator[_PlacedPlot]:
    x, y, next_y = MARGIN, MARGIN, MARGIN
    for plot in plots:
        if x > MARGIN and x + plot.width > WIDTH - MARGIN:
            x, y = MARGIN, next_y
        placed = _PlacedPlot(x, y, plot)
        yield placed
        x, next_y = x + plot.width + PLOT_GAP, max(next_y, placed.end)
