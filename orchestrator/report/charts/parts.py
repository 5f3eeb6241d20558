"""Where the time went: the parts of response time, on average and of the slowest hundredth.

The parts are those of `orchestrator.decompose`, which add up to the response time.
"""

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.dimensions import TIME, format_value
from orchestrator.measures import MEASURES
from orchestrator.parts import PARTS
from orchestrator.report.charts.bars import Bar, Piece, bar_plot
from orchestrator.report.charts.plot import Chart, Key, Table
from orchestrator.report.charts.subject import Subject

PREDICTED, SLOWEST = "predicted", "slowest"
"""Views of a case among its groups, where it has them."""

READING = (
    "A bar is the mean response time of all messages, or of the slowest hundredth of them, in the "
    "parts in which it passed. The longest part is what to work on."
)


def parts(subjects: Sequence[Subject]) -> Chart | None:
    """Return a bar of parts for each subject; None where the parts are unknown."""
    rows = [(each.name, told, found) for each in subjects for told, found in _of(each)]
    if not rows:
        return None
    longest = max(sum(found.values()) for *_, found in rows)
    present = [part for part in PARTS if any(found[part] for *_, found in rows)]
    return Chart(
        key="parts",
        title="Where the time went",
        reading=READING,
        plots=[
            bar_plot(
                name, "", [_bar(told, found) for of, told, found in rows if of == name], longest
            )
            for name in dict.fromkeys(name for name, *_ in rows)
        ],
        legend=[
            Key(f"part {part}", f"{_number(part)} {_words(part)}: {PARTS[part]}")
            for part in present
        ],
        table=_table(rows, present),
    )


def _of(subject: Subject) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Yield the parts of each view, in seconds, of which all are known."""
    case = subject.case
    for told, figures in (
        ("all messages", case.measures),
        ("all messages, as predicted", case.groups.get(PREDICTED, {})),
        ("the slowest hundredth", case.groups.get(SLOWEST, {})),
    ):
        found = {part: figures.get(MEASURES[f"time_in_{part}"].key) for part in PARTS}
        known = {part: value for part, value in found.items() if value is not None}
        if len(known) == len(PARTS):
            yield told, known


def _bar(name: str, found: Mapping[str, float]) -> Bar:
    pieces = [
        Piece(f"part {part}", value, _number(part), f"{_words(part)}: {format_value(value, TIME)}")
        for part, value in found.items()
    ]
    return Bar(name, pieces, format_value(sum(found.values()), TIME))


def _number(part: str) -> str:
    """Return the place of ``part`` in the order in which a message passes through all of them."""
    return str(list(PARTS).index(part) + 1)


def _words(part: str) -> str:
    return part.replace("_", " ")


def _table(rows: Sequence[tuple[str, str, Mapping[str, float]]], present: Sequence[str]) -> Table:
    return Table(
        ("case", "of", "response time", *map(_words, present)),
        [
            (
                name,
                told,
                format_value(sum(found.values()), TIME),
                *(format_value(found[part], TIME) for part in present),
            )
            for name, told, found in rows
        ],
    )
