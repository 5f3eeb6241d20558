"""Rows of horizontal bars from one line, each with its name before it and its value behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.report.charts.plot import WIDTH, Plot, Shape, Word

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
