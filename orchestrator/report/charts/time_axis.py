"""The time axis that all pictures of a report share, so that models can be compared directly.

Places on it are whole numbers, so that thousands of bars stay short text.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.report.charts.plot import Tick, round_step
from orchestrator.report.text import fault_name
from orchestrator.results.summary import CaseSummary

MAX_STEPS = 8
MICROSECOND_NS = 1_000
UNITS_NS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"))

UNITS = 100_000
"""The width of the time axis: a bar is still at its place when zoomed in a thousand times."""

LEAST = 30
"""The shortest bar, a third of a pixel, so that the shortest span is visible."""

HUES = 8
"""Colors for workers; further workers repeat them."""


@dataclass(frozen=True)
class TimeAxis:
    """The time from 0 to ``span_ns``, with round ``ticks``, placed in percent of it."""

    span_ns: int
    ticks: list[Tick]


def axis_over(instants_ns: Iterable[int]) -> TimeAxis:
    """Return an axis from 0 to a little beyond the last of ``instants_ns``."""
    last_ns = max(MICROSECOND_NS, max(instants_ns, default=0))
    span_ns = last_ns + last_ns // 50
    step_ns = round(round_step(span_ns / MAX_STEPS))
    unit_ns, unit = next((each for each in UNITS_NS if step_ns * 2 >= each[0]), UNITS_NS[-1])
    return TimeAxis(
        span_ns,
        [
            Tick(round(100 * at_ns / span_ns, 2), f"{at_ns / unit_ns:g} {unit}")
            for at_ns in range(0, span_ns + 1, step_ns)
        ],
    )


def clock_remark(cases: Iterable[CaseSummary]) -> str:
    """Return how exact the instants of clients are, empty if all programs had one clock."""
    error_s = max((run.clock_error_s for case in cases for run in case.runs[:1]), default=0.0)
    if not error_s:
        return ""
    shown = format_value(error_s, TIME)
    return f"Several clocks: an instant of a client is within ±{shown} on the server's clock."


def fault_spans(case: CaseSummary) -> Iterator[tuple[float, float, str]]:
    """Yield when each fault took effect and was undone, in seconds from the start, and its name.

    The two are equal if it was not undone. Faults are those of the first run, as pictures are.
    """
    for fault in case.runs[0].faults if case.runs else ():
        if fault.effect_s is not None:
            until_s = fault.effect_s if fault.reverted_s is None else fault.reverted_s
            yield fault.effect_s, until_s, fault_name(fault)


@dataclass(frozen=True)
class Units:
    """Maps instants from 0 to ``span_ns`` to 0 to `UNITS`."""

    span_ns: int

    def at(self, instant_ns: int) -> int:
        """Return the place of ``instant_ns``; of an instant off the axis, the nearer end."""
        return round(min(max(instant_ns, 0), self.span_ns) * UNITS / max(1, self.span_ns))

    def strokes(self, places: Iterable[tuple[int, int, float]]) -> str:
        """Return horizontal strokes as one path: ``places`` are begin and end in ns, and height."""
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
