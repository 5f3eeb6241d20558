"""The plots of one chart of a campaign, side by side, with what their styles stand for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.report.charts.plot import Chart, Plot
from orchestrator.report.page import TEMPLATES

WIDTH, MARGIN, GAP = 880, 16, 4
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
        x, below = x + plot.width + GAP, max(below, _end(found))


def _end(placed: _Placed) -> int:
    return placed.y + TITLES_HEIGHT + placed.plot.height + ROW_GAP
