"""Charts of horizontal bars: where the time went, what serving cost, and who served how much.

A bar has its name above it and its value to the right. The stages of a response time are those of
`orchestrator.analysis.breakdown`, which add up to it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import WorkerShare
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.registry import MEASURES, Measure
from orchestrator.measures.stages import STAGES
from orchestrator.report.charts.plot import (
    WIDTH,
    Chart,
    Key,
    Layout,
    Plot,
    Shape,
    Subject,
    TextTable,
    Word,
)
from orchestrator.report.columns import UNKNOWN, measure_text, measure_value

ROW, GAP, NAME_HEIGHT = 13, 8, 15
BEGIN, END = 2, 204
"""Where the bars are; the room to the right of them is for the values."""

LAYOUT = Layout("bars", BEGIN, END, WIDTH)

MAX_BARS = 16
MAX_NAME_CHARS = 40
ROOM_FOR_MARK = 11
LEAST = 0.2
"""Pieces shorter than this, in pixels, are not drawn."""

PREDICTED, SLOWEST = "predicted", "slowest"
"""Groups of a case that are views of its response time, if it has them."""

COSTS = ("cpu_time_per_message", "peak_memory")
SWITCHES = "switches"

StageTimes = Mapping[str, float]


@dataclass(frozen=True)
class BarPiece:
    """A part of a bar; ``mark`` is drawn in it if there is room, ``hover`` shown on pointing."""

    style: str
    length: float
    mark: str = ""
    hover: str = ""


@dataclass(frozen=True)
class Bar:
    """A named value: ``pieces`` follow one another; ``text`` is the value of all of them."""

    name: str
    pieces: Sequence[BarPiece]
    text: str


def breakdown(subjects: Sequence[Subject]) -> Chart | None:
    """Return a bar of stages for each view of each subject; None if no stages are known."""
    rows = [(each.name, view, times) for each in subjects for view, times in _views(each)]
    if not rows:
        return None
    longest = max(sum(times.values()) for *_, times in rows)
    present = [stage for stage in STAGES if any(times[stage] for *_, times in rows)]
    return Chart(
        key="parts",
        title="Where the time went",
        reading="A bar is the mean response time of all messages, or of the slowest 1%, split into "
        f"its stages. The longest stage is the one worth improving.{_error_of_stages(subjects)}",
        plots=[
            bar_plot(
                name,
                "",
                [_stage_bar(view, times) for case, view, times in rows if case == name],
                longest,
            )
            for name in dict.fromkeys(name for name, *_ in rows)
        ],
        legend=[
            Key(f"part {stage}", f"{_number(stage)} {_words(stage)}: {STAGES[stage]}")
            for stage in present
        ],
        table=_stage_table(rows, present),
    )


def _error_of_stages(subjects: Iterable[Subject]) -> str:
    """Return the largest error of a stage as a sentence, empty if all are exact."""
    errors = [
        error
        for subject in subjects
        for key, error in subject.case.errors.items()
        if key.rpartition(".")[2].startswith("time_in_")
    ]
    if not errors:
        return ""
    most = format_value(max(errors), TIME)
    return f" Those between client and server are within ±{most}, the error between their clocks."


def _views(subject: Subject) -> Iterator[tuple[str, StageTimes]]:
    """Yield the stages in seconds of each view of a case in which all of them are known."""
    case = subject.case
    for view, figures in (
        ("all messages", case.measures),
        ("all messages, as predicted", case.groups.get(PREDICTED, {})),
        ("the slowest 1%", case.groups.get(SLOWEST, {})),
    ):
        times = {stage: figures.get(MEASURES[f"time_in_{stage}"].key) for stage in STAGES}
        known = {stage: time for stage, time in times.items() if time is not None}
        if len(known) == len(STAGES):
            yield view, known


def _stage_bar(name: str, times: StageTimes) -> Bar:
    pieces = [
        BarPiece(
            f"part {stage}",
            time,
            _number(stage),
            f"{_words(stage)}: {format_value(time, TIME)}",
        )
        for stage, time in times.items()
    ]
    return Bar(name, pieces, format_value(sum(times.values()), TIME))


def _number(stage: str) -> str:
    """Return the place of ``stage`` in the order in which a message passes through all of them."""
    return str(list(STAGES).index(stage) + 1)


def _stage_table(rows: Sequence[tuple[str, str, StageTimes]], present: Sequence[str]) -> TextTable:
    return TextTable(
        ("case", "messages", "response time", *map(_words, present)),
        [
            (
                name,
                view,
                format_value(sum(times.values()), TIME),
                *(format_value(times[stage], TIME) for stage in present),
            )
            for name, view, times in rows
        ],
    )


def costs(subjects: Sequence[Subject]) -> Chart | None:
    """Return a plot for each cost that was measured, a bar for each subject; None without any."""
    known = [
        measure
        for name, measure in MEASURES.items()
        if (name in COSTS or SWITCHES in name)
        and any(measure_value(subject.case, name) is not None for subject in subjects)
    ]
    if not known:
        return None
    return Chart(
        key="costs",
        title="What it cost",
        reading="Of all processes of the server together; shorter is cheaper.",
        plots=[_cost_plot(measure, subjects) for measure in known],
        legend=[Key("cost", "the server")],
        table=TextTable(
            ("case", *(_cost_name(measure) for measure in known)),
            [(s.name, *(measure_text(s.case, m.name) for m in known)) for s in subjects],
        ),
    )


def _cost_plot(measure: Measure, subjects: Sequence[Subject]) -> Plot:
    values = [measure_value(subject.case, measure.name) or 0.0 for subject in subjects]
    bars = [
        Bar(subject.name, [BarPiece("cost", value)], measure_text(subject.case, measure.name))
        for subject, value in zip(subjects, values, strict=True)
    ]
    return bar_plot(_cost_name(measure), measure.meaning, bars, max(values))


def _cost_name(measure: Measure) -> str:
    return _words(measure.name).replace("cpu", "CPU")


def fairness(subjects: Sequence[Subject]) -> Chart | None:
    """Return a plot for each subject, a bar for each worker; None if no worker served any."""
    known = [subject for subject in subjects if subject.exhibit.shares]
    if not known:
        return None
    most = max(share.connections for subject in known for share in subject.exhibit.shares)
    return Chart(
        key="fairness",
        title="Connections per worker",
        reading="Bars of equal length are equal shares. A worker that keeps its connection to the "
        "end serves few connections; an event loop serves all of them.",
        plots=[_worker_plot(subject, most) for subject in known],
        legend=[Key("share", "connections that the worker served")],
        table=TextTable(
            ("case", "worker", "connections", "messages"),
            [
                (subject.name, str(share.worker), str(share.connections), str(share.messages))
                for subject in known
                for share in subject.exhibit.shares
            ],
        ),
    )


def _worker_plot(subject: Subject, most: int) -> Plot:
    shares = subject.exhibit.shares
    bars = [_worker_bar(share) for share in shares[:MAX_BARS]]
    index = measure_text(subject.case, "fairness_connections")
    caption = "" if index == UNKNOWN else f"Jain's index of fairness: {index}; 1 is even"
    if len(shares) > MAX_BARS:
        caption = f"the first {MAX_BARS} of {len(shares)} workers; {caption}"
    return bar_plot(subject.name, caption, bars, most)


def _worker_bar(share: WorkerShare) -> Bar:
    pieces = [BarPiece("share", share.connections)]
    return Bar(f"worker {share.worker}", pieces, str(share.connections))


def bar_plot(title: str, caption: str, bars: Sequence[Bar], longest: float) -> Plot:
    """Return ``bars`` below one another; a length of ``longest`` fills the width."""
    shapes: list[Shape] = []
    words: list[Word] = []
    for row, bar in enumerate(bars):
        y = row * (NAME_HEIGHT + ROW + GAP)
        words.append(Word("name", BEGIN, y + 11, _shortened(bar.name)))
        reached = float(BEGIN)
        for piece in bar.pieces:
            wide = (END - BEGIN) * piece.length / longest if longest else 0.0
            if wide < LEAST:
                continue
            path = f"M{reached:.1f} {y + NAME_HEIGHT:g}h{wide:.1f}v{ROW}h-{wide:.1f}z"
            shapes.append(Shape(piece.style, path, piece.hover))
            if piece.mark and wide >= ROOM_FOR_MARK:
                middle = round(reached + wide / 2, 1)
                words.append(Word("in-bar", middle, y + NAME_HEIGHT + 10, piece.mark, "middle"))
            reached += wide
        words.append(Word("value", round(reached, 1), y + NAME_HEIGHT + 10, bar.text, shift=6))
    height = len(bars) * (NAME_HEIGHT + ROW + GAP)
    return Plot(title, caption, height, shapes, words, LAYOUT)


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else name[: MAX_NAME_CHARS - 1] + "…"


def _words(name: str) -> str:
    return name.replace("_", " ")
