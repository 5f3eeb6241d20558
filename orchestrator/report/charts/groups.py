"""Client groups side by side, and cases side by side: a bar for each, a plot for each figure."""

from collections.abc import Iterator, Sequence

from orchestrator.measures.views import VIEWS
from orchestrator.report.charts.bars import Bar, BarPiece, bar_plot
from orchestrator.report.charts.figures import Figure, distinguishing, figure_of
from orchestrator.report.charts.plot import Chart, Key, Plot, Subject, TextTable
from orchestrator.results.summary import CaseSummary

USUAL_OF_GROUPS = ("response_time_p50", "response_time_max")
MAX_PLOTS = 3
MAX_BARS = 24
STYLES = 8

Row = tuple[str, str, CaseSummary]
"""The name of a subject, a client group, empty for the whole case, and the case."""


def group_names(cases: Sequence[CaseSummary]) -> list[str]:
    """Return the names of the client groups of ``cases``, without views such as windows."""
    names = (name for case in cases for name in case.groups)
    return [name for name in dict.fromkeys(names) if name not in VIEWS]


def groups(subjects: Sequence[Subject], asked: Sequence[str] = ()) -> Chart | None:
    """Return the client groups of each subject side by side; None if there are not several.

    ``asked`` are the measures in question; of the others, the usual ones fill the room.
    """
    names = group_names([subject.case for subject in subjects])
    if len(names) < 2:  # noqa: PLR2004 - one group is the whole case
        return None
    rows = [(s.name, name, s.case) for s in subjects for name in names if name in s.case.groups]
    return _chart(
        key="groups",
        title="Client groups side by side",
        reading="One bar for each client group of each case that has a value.",
        figures=_figures_of_groups(rows, names, asked),
        rows=rows,
    )


def cases_side_by_side(subjects: Sequence[Subject], asked: Sequence[str]) -> Chart | None:
    """Return a bar for each subject and figure in question; None if no figure differs."""
    return _chart(
        key="figures",
        title="Cases side by side",
        reading="One bar for each case: the figures in question that differ.",
        figures=distinguishing(asked, [subject.case for subject in subjects]),
        rows=[(subject.name, "", subject.case) for subject in subjects],
    )


def _figures_of_groups(
    rows: Sequence[Row], names: Sequence[str], asked: Sequence[str]
) -> list[Figure]:
    """Return the figures in question of groups, then the usual ones; only those that differ."""
    found = [figure for name in asked if (figure := figure_of(name)) is not None]
    own = [figure.of_group("") for figure in found if figure.group in names]
    usual = [figure for name in USUAL_OF_GROUPS if (figure := figure_of(name)) is not None]
    compared = _compared(rows, names)
    return [
        each
        for each in dict.fromkeys((*own, *usual))
        if any(len(_values(each, together)) > 1 for together in compared)
    ]


def _compared(rows: Sequence[Row], names: Sequence[str]) -> list[list[Row]]:
    """Return the rows of each group over all cases; if there is one case only, all groups of it."""
    if len({name for name, _, _ in rows}) == 1:
        return [list(rows)]
    return [[row for row in rows if row[1] == name] for name in names]


def _values(figure: Figure, rows: Sequence[Row]) -> set[float]:
    return {value for row in rows if (value := _value(figure, row)) is not None}


def _value(figure: Figure, row: Row) -> float | None:
    _, group, case = row
    return figure.of_group(group).value(case)


def _chart(
    *, key: str, title: str, reading: str, figures: Sequence[Figure], rows: Sequence[Row]
) -> Chart | None:
    shown = figures[:MAX_PLOTS]
    if not shown:
        return None
    drawn = [row for row in rows if any(_value(figure, row) is not None for figure in shown)]
    styles = {
        name: number for number, name in enumerate(dict.fromkeys(name for _, name, _ in drawn))
    }
    left_out = f" The first {MAX_BARS} of {len(drawn)} are drawn." if drawn[MAX_BARS:] else ""
    return Chart(
        key=key,
        title=title,
        reading=reading + left_out,
        plots=[_plot(figure, drawn[:MAX_BARS], styles) for figure in shown],
        legend=[Key(_style(number), name or "case") for name, number in styles.items()],
        table=TextTable(
            ("case", *(["group"] if any(styles) else []), *(figure.title for figure in shown)),
            list(_table_rows(rows, shown)),
        ),
    )


def _plot(figure: Figure, rows: Sequence[Row], styles: dict[str, int]) -> Plot:
    """Return a bar for each of ``rows`` whose value is known: a silent group has no times."""
    known = [(row, value) for row in rows if (value := _value(figure, row)) is not None]
    bars = [
        Bar(
            ": ".join(filter(None, (name, group))),
            [BarPiece(_style(styles[group]), value)],
            figure.of_group(group).text(case),
        )
        for (name, group, case), value in known
    ]
    longest = max((value for _, value in known), default=0.0)
    return bar_plot(figure.title, figure.measure.meaning, bars, longest)


def _table_rows(rows: Sequence[Row], figures: Sequence[Figure]) -> Iterator[tuple[str, ...]]:
    for name, group, case in rows:
        own = [group] if group else []
        yield (name, *own, *(figure.of_group(group).text(case) for figure in figures))


def _style(number: int) -> str:
    return f"group g{number % STYLES}"
