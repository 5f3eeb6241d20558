"""Rows of horizontal bars from one line, each with its name before it and its value behind it.

What serving cost: CPU time and memory, context switches where they are counted.

Who took what: the connections of each worker.

Where the time went: the parts of response time, on average and of the slowest hundredth. The
parts are those of `orchestrator.analysis.breakdown`, which add up to the response time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import WorkerShare
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.registry import MEASURES, Measure
from orchestrator.measures.stages import STAGES
from orchestrator.report.charts.plot import WIDTH, Chart, Key, Plot, Shape, Subject, Table, Word
from orchestrator.report.columns import UNKNOWN, measure_text, measured

ROW, GAP, NAME_HEIGHT = 13, 8, 15
BEGIN, END = 2, 204
"""Where bars stand; what is right of it is for the values."""

MAX_NAME_CHARS = 40
ROOM_FOR_MARK = 11
LEAST = 0.2
"""Pieces shorter than this, in pixels, are not drawn."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a bar; ``mark`` stands in it where there is room, ``told`` is shown on hover."""

    style: str
    length: float
    mark: str = ""
    told: str = ""


@dataclass(frozen=True)
class Bar:
    """A named value: ``pieces`` stand one after another; ``text`` is the value of them all."""

    name: str
    pieces: Sequence[Piece]
    text: str


def bar_plot(title: str, told: str, bars: Sequence[Bar], longest: float) -> Plot:
    """Return ``bars`` below one another, to a scale on which ``longest`` fills the width."""
    shapes: list[Shape] = []
    words: list[Word] = []
    for row, bar in enumerate(bars):
        y = row * (NAME_HEIGHT + ROW + GAP)
        words.append(Word("name", BEGIN, y + 11, shortened(bar.name)))
        reached = float(BEGIN)
        for piece in bar.pieces:
            wide = (END - BEGIN) * piece.length / longest if longest else 0.0
            if wide < LEAST:
                continue
            path = f"M{reached:.1f} {y + NAME_HEIGHT:g}h{wide:.1f}v{ROW}h-{wide:.1f}z"
            shapes.append(Shape(piece.style, path, piece.told))
            if piece.mark and wide >= ROOM_FOR_MARK:
                middle = round(reached + wide / 2, 1)
                words.append(Word("in-bar", middle, y + NAME_HEIGHT + 10, piece.mark, "middle"))
            reached += wide
        words.append(Word("value", round(reached + 6, 1), y + NAME_HEIGHT + 10, bar.text))
    height = len(bars) * (NAME_HEIGHT + ROW + GAP)
    return Plot(title, told, WIDTH, height, shapes, words)


def shortened(name: str) -> str:
    """Return ``name`` as long as a narrow picture has room for."""
    return name if len(name) <= MAX_NAME_CHARS else name[: MAX_NAME_CHARS - 1] + "…"


COSTS = ("cpu_time_per_message", "peak_memory")
SWITCHES = "switches"


def costs(subjects: Sequence[Subject]) -> Chart | None:
    """Return a plot for each cost that was measured, a bar a subject; None where none was."""
    known = [
        measure
        for name, measure in MEASURES.items()
        if (name in COSTS or SWITCHES in name)
        and any(measured(each.case, name) is not None for each in subjects)
    ]
    if not known:
        return None
    return Chart(
        key="costs",
        title="What it cost",
        reading="The server's own, all its processes together; shorter is cheaper.",
        plots=[_cost_plot(measure, subjects) for measure in known],
        legend=[Key("cost", "the server's")],
        table=Table(
            ("case", *(_cost_name(measure) for measure in known)),
            [(e.name, *(measure_text(e.case, m.name) for m in known)) for e in subjects],
        ),
    )


def _cost_plot(measure: Measure, subjects: Sequence[Subject]) -> Plot:
    values = [measured(each.case, measure.name) or 0.0 for each in subjects]
    bars = [
        Bar(each.name, [Piece("cost", value)], measure_text(each.case, measure.name))
        for each, value in zip(subjects, values, strict=True)
    ]
    return bar_plot(_cost_name(measure), measure.meaning, bars, max(values))


def _cost_name(measure: Measure) -> str:
    return measure.name.replace("_", " ").replace("cpu", "CPU")


MAX_BARS = 16


def fairness(subjects: Sequence[Subject]) -> Chart | None:
    """Return a plot for each subject, a bar a worker; None where no worker took anything."""
    known = [each for each in subjects if each.exhibit.shares]
    if not known:
        return None
    most = max(share.connections for each in known for share in each.exhibit.shares)
    return Chart(
        key="fairness",
        title="Connections per worker",
        reading="Even bars are a fair share. A worker that keeps its connection to the end takes "
        "few; a loop takes them all.",
        plots=[_worker_plot(each, most) for each in known],
        legend=[Key("share", "connections that the worker took")],
        table=Table(
            ("case", "worker", "connections", "messages"),
            [
                (each.name, str(share.worker), str(share.connections), str(share.messages))
                for each in known
                for share in each.exhibit.shares
            ],
        ),
    )


def _worker_plot(subject: Subject, most: int) -> Plot:
    shares = subject.exhibit.shares
    bars = [_worker_bar(share) for share in shares[:MAX_BARS]]
    index = measure_text(subject.case, "fairness_connections")
    told = "" if index == UNKNOWN else f"Jain's index of fairness: {index}; 1 is even"
    if len(shares) > MAX_BARS:
        told = f"the first {MAX_BARS} of {len(shares)} workers; {told}"
    return bar_plot(subject.name, told, bars, most)


def _worker_bar(share: WorkerShare) -> Bar:
    pieces = [Piece("share", share.connections)]
    return Bar(f"worker {share.worker}", pieces, str(share.connections))


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
    present = [part for part in STAGES if any(found[part] for *_, found in rows)]
    return Chart(
        key="parts",
        title="Where the time went",
        reading=READING,
        plots=[
            bar_plot(
                name,
                "",
                [_stage_bar(told, found) for of, told, found in rows if of == name],
                longest,
            )
            for name in dict.fromkeys(name for name, *_ in rows)
        ],
        legend=[
            Key(f"part {part}", f"{_number(part)} {_stage_name(part)}: {STAGES[part]}")
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
        found = {part: figures.get(MEASURES[f"time_in_{part}"].key) for part in STAGES}
        known = {part: value for part, value in found.items() if value is not None}
        if len(known) == len(STAGES):
            yield told, known


def _stage_bar(name: str, found: Mapping[str, float]) -> Bar:
    pieces = [
        Piece(
            f"part {part}",
            value,
            _number(part),
            f"{_stage_name(part)}: {format_value(value, TIME)}",
        )
        for part, value in found.items()
    ]
    return Bar(name, pieces, format_value(sum(found.values()), TIME))


def _number(part: str) -> str:
    """Return the place of ``part`` in the order in which a message passes through all of them."""
    return str(list(STAGES).index(part) + 1)


def _stage_name(part: str) -> str:
    return part.replace("_", " ")


def _table(rows: Sequence[tuple[str, str, Mapping[str, float]]], present: Sequence[str]) -> Table:
    return Table(
        ("case", "of", "response time", *map(_stage_name, present)),
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
