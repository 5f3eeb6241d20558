"""Throughput and response times over time, in the steps that the summary of a run has.

Two plots for each case, of its first run that counts, with its warm-up and its faults. Few messages
have none, because their lanes show each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from orchestrator.measures.dimensions import RATE, TIME, format_value
from orchestrator.measures.evaluate import AT_LEAST
from orchestrator.report.charts.plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Frame,
    Key,
    Plot,
    Scale,
    Shape,
    Subject,
    TextTable,
    Word,
    round_step,
    time_label,
    value_scale,
)
from orchestrator.report.charts.time_axis import clock_remark, fault_spans
from orchestrator.report.columns import UNKNOWN
from orchestrator.results.summary import OverTime

LEAST_MESSAGES = 5
"""In a step, in the mean; with fewer, the curves would show chance."""

MAX_TICKS = 5
MAX_ROWS = 25
"""Of a table for each case, so that a page of ten cases opens quickly."""

LEAST_WIDTH = 1.5
"""Of a fault that took an instant."""

RATES = {
    "offered_per_s": Key("curve offered", "due per s"),
    "throughput_per_s": Key("curve throughput", "acked per s"),
    "failed_per_s": Key("curve failing", "failed per s"),
}
TIMES = {
    "response_time_max_s": Key("curve slowest", "the slowest, if all have an ack"),
    "response_time_p99_s": Key("curve p99", "p99, if 100 messages or more are due in a step"),
    "response_time_p50_s": Key("curve p50", "p50"),
}
TAIL = ("response_time_p99_s", "response_time_max_s")
RATE_HEADINGS = ("due per s", "acked per s", "failed per s")
TIME_HEADINGS = ("p50", "p99", "slowest")
BOUND = Key("bound", "somewhere in here: messages have no ack")
WARMUP = Key("warmup", "warm-up")
FAULT = Key("fault", "fault")

Column = Sequence[float | None]
Level = tuple[float, float, float | None]
"""Where a step begins and ends on the time axis, and its value."""


class _Scales(NamedTuple):
    """Those that all cases of a page share."""

    time: Scale
    rate: Scale
    response: Scale


def over_time(subjects: Sequence[Subject], among: Sequence[Subject] = ()) -> Chart | None:
    """Return two plots for each of ``subjects`` with enough messages; None if none has.

    They have the scales of all subjects ``among`` which they are, by default of themselves.
    """
    shown = [(subject, steps) for subject in subjects if (steps := _steps(subject)) is not None]
    if not shown:
        return None
    scales = _scales([steps for each in among or subjects if (steps := _steps(each)) is not None])
    plots = [plot for subject, steps in shown for plot in _plots(subject, steps, scales)]
    styles = {shape.style for plot in plots for shape in plot.shapes if shape.path}
    return Chart(
        key="over-time",
        title="Throughput and response times over time",
        reading="An answer counts when it comes. A response time counts when its message was due, "
        "so a stall is seen from when it began."
        + (
            f" {remark}" if (remark := clock_remark([subject.case for subject, _ in shown])) else ""
        ),
        plots=plots,
        legend=[
            key
            for key in (*RATES.values(), *reversed(TIMES.values()), BOUND, WARMUP, FAULT)
            if key.style in styles
        ],
        table=_table(shown),
    )


def _steps(subject: Subject) -> OverTime | None:
    """Return the steps of the first run, None if it has none or too few messages for them."""
    runs = subject.case.runs
    steps = runs[0].over_time if runs else None
    if steps is None or _messages(steps) < LEAST_MESSAGES * len(steps.begin_s):
        return None
    return steps


def _messages(steps: OverTime) -> float:
    ends_s = [*steps.begin_s[1:], steps.end_s]
    spans = zip(steps.begin_s, ends_s, steps.offered_per_s, strict=True)
    return sum((end_s - begin_s) * rate for begin_s, end_s, rate in spans)


def _scales(shown: Sequence[OverTime]) -> _Scales:
    rates = (max(getattr(steps, name)) for steps in shown for name in RATES)
    times = [value for steps in shown for name in TIMES for value in _exact(steps, name)]
    bounds = [
        getattr(each, name)[n] for each in shown for name in TAIL for n in _bounded(each, name)
    ]
    known = [*times, max(bounds, default=None)]
    return _Scales(
        _time_scale(max(steps.end_s for steps in shown)),
        value_scale([max(rates)], BOTTOM, TOP, lambda rate: f"{rate:g}"),
        value_scale([each for each in known if each is not None], BOTTOM, TOP, time_label),
    )


def _time_scale(end_s: float) -> Scale:
    """Return the time from 0 to ``end_s``, with round ticks."""
    step_s = round_step(end_s / MAX_TICKS)
    instants_s = (number * step_s for number in range(int(end_s / step_s + 1e-9) + 1))
    return Scale(0, end_s, LEFT, RIGHT).with_ticks(instants_s, time_label)


def _plots(subject: Subject, steps: OverTime, scales: _Scales) -> Iterator[Plot]:
    marks, flags = list(_marks(subject, steps, scales.time)), list(_flags(subject, scales.time))
    of_step = f"steps of {format_value(steps.step_s, TIME)}"
    rates = {key.style: getattr(steps, name) for name, key in RATES.items()}
    if not any(steps.failed_per_s):
        del rates[RATES["failed_per_s"].style]
    frame = Frame(scales.time, scales.rate, "time")
    curves = _curves(rates, steps, frame)
    yield Plot(
        f"{subject.name}: messages per s",
        f"at most {format_value(max(steps.throughput_per_s), RATE)} acked, {of_step}",
        HEIGHT,
        [*frame.shapes(), *marks, *curves],
        [*frame.words(), *flags],
    )
    times = {key.style: _exact(steps, name) for name, key in TIMES.items()}
    frame = Frame(scales.time, scales.response, "time")
    curves = _curves(times, steps, frame)
    yield Plot(
        f"{subject.name}: response time",
        f"by when the messages were due, {of_step}",
        HEIGHT,
        [*frame.shapes(), *marks, *_bounds(steps, scales), *curves],
        [*frame.words(), *flags],
    )


def _marks(subject: Subject, steps: OverTime, time: Scale) -> Iterator[Shape]:
    """Yield the warm-up and the faults, from the top to the bottom of a plot."""
    if steps.warmup_s:
        yield Shape(WARMUP.style, _box(LEFT, time.at(steps.warmup_s), TOP), WARMUP.meaning)
    for begin_s, end_s, name in fault_spans(subject.case):
        begin, end = time.at(begin_s), time.at(end_s)
        yield Shape(FAULT.style, _box(begin, max(end, begin + LEAST_WIDTH), TOP), name)


def _flags(subject: Subject, time: Scale) -> Iterator[Word]:
    """Yield the numbers of the faults, as the list below the lanes has them."""
    for number, (begin_s, _, _) in enumerate(fault_spans(subject.case), start=1):
        yield Word("flag", round(time.at(begin_s) + 2, 1), TOP + 10, str(number))


def _box(begin: float, end: float, top: float, bottom: float = BOTTOM) -> str:
    return f"M{begin:.1f} {top:.1f}H{end:.1f}V{bottom:.1f}H{begin:.1f}z"


def _curves(columns: Mapping[str, Column], steps: OverTime, frame: Frame) -> Iterator[Shape]:
    for style, column in columns.items():
        yield Shape(style, _path(_levels(column, steps, frame.x), frame.y))


def _levels(column: Column, steps: OverTime, time: Scale) -> list[Level]:
    edges = [time.at(at_s) for at_s in (*steps.begin_s, steps.end_s)]
    return list(zip(edges, edges[1:], column, strict=False))


def _exact(steps: OverTime, name: str) -> Column:
    """Return a column of response times without its lower bounds, which would look like a dip."""
    bounds = _bounded(steps, name)
    return [
        None if number in bounds else value for number, value in enumerate(getattr(steps, name))
    ]


def _bounded(steps: OverTime, name: str) -> Sequence[int]:
    return steps.lower_bounds.get(name, ())


def _path(levels: Sequence[Level], scale: Scale) -> str:
    """Return a stroke for each step, joined with its neighbours; a step without value is a gap."""
    path = []
    is_joined = False
    for begin, end, value in levels:
        if value is not None:
            y = scale.at(value)
            path.append(f"V{y:.1f}H{end:.1f}" if is_joined else f"M{begin:.1f} {y:.1f}H{end:.1f}")
        is_joined = value is not None
    return "".join(path)


def _bounds(steps: OverTime, scales: _Scales) -> Iterator[Shape]:
    """Yield what lies above the tail of each step whose tail is a lower bound, as one shape.

    The tail is p99, or if that is unknown, the slowest message.
    """
    boxes = []
    for number in range(len(steps.begin_s)):
        name = next((each for each in TAIL if getattr(steps, each)[number] is not None), TAIL[0])
        if number in _bounded(steps, name):
            begin, end, value = _levels(getattr(steps, name), steps, scales.time)[number]
            boxes.append(_box(begin, end, TOP, scales.response.at(value or 0.0)))
    if boxes:
        yield Shape(BOUND.style, "".join(boxes), BOUND.meaning)


def _table(shown: Sequence[tuple[Subject, OverTime]]) -> TextTable:
    return TextTable(
        ("case", "from", *RATE_HEADINGS, "in flight", *TIME_HEADINGS),
        [row for subject, steps in shown for row in _rows(subject, steps)],
    )


def _rows(subject: Subject, steps: OverTime) -> Iterator[tuple[str, ...]]:
    every = -(-len(steps.begin_s) // MAX_ROWS)
    for number in range(0, len(steps.begin_s), every):
        yield (
            subject.name,
            format_value(steps.begin_s[number], TIME),
            *(f"{getattr(steps, name)[number]:.5g}" for name in (*RATES, "in_flight")),
            *(_response_text(steps, name, number) for name in reversed(TIMES)),
        )
    if every > 1:
        yield (subject.name, f"one step in {every}; summary.json has all")


def _response_text(steps: OverTime, name: str, number: int) -> str:
    value: float | None = getattr(steps, name)[number]
    if value is None:
        return UNKNOWN
    bound = AT_LEAST if number in _bounded(steps, name) else ""
    return bound + format_value(value, TIME)
