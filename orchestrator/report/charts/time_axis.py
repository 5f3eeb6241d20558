"""The time axis that all pictures of a report share, so that models compare at a glance.

The units of the shared time axis: whole numbers, so that thousands of bars stay short text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count, takewhile

MAX_STEPS = 8
MICROSECOND_NS = 1_000
UNITS_NS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"))


@dataclass(frozen=True)
class Tick:
    """A labelled instant; ``percent`` is its place on the axis."""

    percent: float
    label: str


@dataclass(frozen=True)
class Axis:
    """From 0 to ``span_ns``, with round ticks."""

    span_ns: int
    ticks: list[Tick]


def axis_over(instants_ns: Iterable[int]) -> Axis:
    """Return an axis from 0 to a little beyond the last of ``instants_ns``."""
    last_ns = max(MICROSECOND_NS, max(instants_ns, default=0))
    span_ns = last_ns + last_ns // 50
    step_ns = _step(span_ns)
    unit_ns, unit = next((each for each in UNITS_NS if step_ns * 2 >= each[0]), UNITS_NS[-1])
    ticks = takewhile(lambda at_ns: at_ns <= span_ns, count(0, step_ns))
    return Axis(
        span_ns,
        [Tick(round(100 * at_ns / span_ns, 2), f"{at_ns / unit_ns:g} {unit}") for at_ns in ticks],
    )


def _step(span_ns: int) -> int:
    """Return the smallest round step that gives at most ``MAX_STEPS`` steps."""
    size_ns = 1
    while True:
        for factor in (1, 2, 5):
            if factor * size_ns * MAX_STEPS >= span_ns:
                return factor * size_ns
        size_ns *= 10


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
