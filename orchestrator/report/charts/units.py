"""The units of the shared time axis: whole numbers, so that thousands of bars stay short text."""

from collections.abc import Iterable
from dataclasses import dataclass

HUES = 8
"""Colours for workers; they repeat beyond."""

UNITS = 100_000
"""The width of the time axis: zoomed in a thousand times, a bar is still where it belongs."""

LEAST = 30
"""The shortest bar: a third of a pixel of what took any time at all."""


@dataclass(frozen=True)
class Units:
    """Maps instants from 0 to ``span_ns`` onto 0 to `UNITS`."""

    span_ns: int

    def at(self, instant_ns: int) -> int:
        """Return where ``instant_ns`` stands; an instant off the axis, at its end."""
        return round(min(max(instant_ns, 0), self.span_ns) * UNITS / max(1, self.span_ns))

    def strokes(self, places: Iterable[tuple[int, int, float]]) -> str:
        """Return level strokes from begin to end at their heights as one path, in order of time."""
        path: list[str] = []
        reached = (-1, -1.0)
        for begin_ns, end_ns, y in sorted(places):
            begin = self.at(begin_ns)
            width = max(self.at(end_ns) - begin, LEAST)
            level = y == reached[1] and begin >= reached[0]
            path.append(f"m{begin - reached[0]} 0" if level else f"M{begin} {y:g}")
            path.append(f"h{width}")
            reached = begin + width, y
        return "".join(path)
