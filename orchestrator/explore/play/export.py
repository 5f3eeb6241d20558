"""Play for one scenario as one file: all answers that its controls can ask for, computed before.

Answers have most of their lines in common, so each line is stored once, and all are compressed; the
browser decompresses them. The page loads nothing, and its policy allows its own script alone.
"""

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import Markup

from orchestrator.explore.play.controls import Controls
from orchestrator.explore.play.grid import Grid, grid_around
from orchestrator.explore.play.page_values import page_values
from orchestrator.explore.play.picture import picture
from orchestrator.explore.play.redraw import Predicted, predict
from orchestrator.explore.play.sentence import sentence
from orchestrator.explore.play.to_scenario import yaml_of
from orchestrator.explore.rendering import STATIC, render
from orchestrator.report.rendering import STYLE, policy

MOST_BYTES = 1_000_000
"""Of the file."""

MOST_DRAWN = 150
"""Messages of a model in one picture."""

_PIECE = re.compile(r"[^\n]*\n|[^\n]+")
_CLAUSE = re.compile(r".*?(?:[,:]|\.(?= ))|.+")

Progress = Callable[[int, int], None]


class _Pieces:
    """Texts as lists of numbers of pieces, each of which is stored once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def numbers(self, pattern: re.Pattern[str], text: str) -> list[int]:
        """Return the numbers of the pieces that ``pattern`` divides ``text`` into."""
        found = pattern.findall(text)
        return [self._numbers.setdefault(each, len(self._numbers)) for each in found]

    @property
    def texts(self) -> list[str]:
        """The pieces by number."""
        return list(self._numbers)


def export_page(question: str, controls: Controls, cpus: float, progress: Progress) -> str:
    """Return the page with ``question`` above ``controls``, of at most `MOST_BYTES`.

    The grid is made smaller until the page fits. ``progress`` hears of each point.
    """
    grid = grid_around(controls)
    points = grid.points
    predicted: dict[Controls, Predicted] = {}
    for number, point in enumerate(points, start=1):
        predicted[point] = predict(point, cpus)
        progress(number, len(points))
    page = _page(question, grid, predicted, cpus)
    while len(page.encode()) > MOST_BYTES and grid.axes:
        grid = grid.smaller()
        page = _page(question, grid, predicted, cpus)
    return page


def _page(question: str, grid: Grid, predicted: dict[Controls, Predicted], cpus: float) -> str:
    style = STYLE + _own("play.css")
    script = _own("play_view.js") + _own("play_export.js")
    own = predicted[grid.controls]
    first = {
        "sentence": sentence((grid.controls, own.outcomes)),
        "picture": _picture(grid.controls, own),
        "yaml": yaml_of(grid.controls),
    }
    return render(
        "play_export.html.j2",
        question=question,
        own=page_values(grid.controls, first, (), cpus, dict(grid.axes)),
        style=style,
        script=script,
        policy=policy(style, script),
        predictions=_packed(_stored(grid, predicted)),
    )


def _own(name: str) -> Markup:
    return Markup((STATIC / name).read_text(encoding="utf-8"))  # noqa: S704 our own


def _packed(value: Any) -> str:  # noqa: ANN401 any plain data
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


def _picture(controls: Controls, found: Predicted) -> str:
    return picture(found.outcomes, found.refused, controls.nouns, MOST_DRAWN)


def _stored(grid: Grid, predicted: dict[Controls, Predicted]) -> dict[str, Any]:
    """Return what the script of the page reads: the axes, the pieces, and the points."""
    pieces = _Pieces()
    points = [_point(grid, point, predicted, pieces) for point in grid.points]
    return {
        "axes": grid.axes,
        "pieces": pieces.texts,
        "points": points,
    }


def _point(
    grid: Grid, point: Controls, predicted: dict[Controls, Predicted], pieces: _Pieces
) -> dict[str, Any]:
    """Return one point; ``moves`` are its sentences after another value of one axis."""
    found = predicted[point]
    now = (point, found.outcomes)

    def after(name: str, value: object) -> list[int]:
        before = point.with_value(name, value)
        text = sentence(now, (before, predicted[before].outcomes))
        return pieces.numbers(_CLAUSE, text)

    def moves(name: str, values: Iterable[object]) -> list[list[int]]:
        return [after(name, value) for value in values]

    return {
        "sentence": pieces.numbers(_CLAUSE, sentence(now)),
        "picture": pieces.numbers(_PIECE, _picture(point, found)),
        "yaml": pieces.numbers(_PIECE, yaml_of(point)),
        "moves": [moves(name, values) for name, values in grid.axes],
    }
