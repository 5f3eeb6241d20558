"""One measure over the past runs of one scenario: a sparkline for each case, the oldest run first.

A sparkline is a curve the size of a word, see Tufte, "Beautiful Evidence", 2006. Its scale is its
own, from 0 or the least value below it to the greatest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.campaign.restore import read_summary
from orchestrator.explore.past_runs import PastRun
from orchestrator.measures.dimensions import format_value
from orchestrator.measures.percentiles import share_of, split_percentile
from orchestrator.measures.registry import MEASURES, Measure
from orchestrator.results.summary import Summary

WIDTH, HEIGHT, ROOM = 160, 32, 4
MOST_RUNS = 100
"""The newest ones."""

OFFERED = (
    "response_time_p99", "response_time_p50", "response_time_mean", "throughput", "makespan",
    "peak_in_service", "cpu_time_per_message", "failed",
)  # fmt: skip


@dataclass(frozen=True)
class Sparkline:
    """A case: what each run measured, as text, and the curve.

    Each item of ``curves`` is a part without a gap: a run without a value interrupts the curve.
    ``ends`` are the first and the last value that is known, and ``last`` the point of that one;
    ``extremes`` are the least and the greatest value. ``has_gap``: that of a run is unknown.
    """

    case: str
    values: list[str]
    curves: list[str]
    last: tuple[float, float] | None
    ends: tuple[str, str]
    extremes: tuple[str, str]
    has_gap: bool


def scenarios_in(runs: Iterable[PastRun]) -> list[str]:
    """Return the scenarios of at least two campaigns among ``runs``, by name."""
    names = [run.scenario for run in runs if run.is_campaign]
    return sorted({name for name in names if names.count(name) > 1})


def runs_of(runs: Iterable[PastRun], scenario: str) -> list[PastRun]:
    """Return the campaigns of ``scenario`` among ``runs``, which begin with the newest."""
    own = [run for run in runs if run.is_campaign and run.scenario == scenario]
    return own[:MOST_RUNS][::-1]


def summaries_of(runs: Iterable[PastRun], results: Path) -> list[Summary]:
    """Return what ``runs``, in the folder ``results``, measured.

    Raises:
        RestoreError, OSError: a run cannot be read any more.
    """
    return [read_summary(results / run.folder) for run in runs]


def first_known(summaries: Sequence[Summary]) -> Measure:
    """Return the first measure that is offered and known in a run, the first one if none is."""

    def is_known(measure: Measure) -> bool:
        columns = (_values(each, measure).values() for each in summaries)
        return any(value is not None for column in columns for value in column)

    return next((each for each in offered() if is_known(each)), offered()[0])


def why_unknown(measure: Measure) -> str:
    """Return why a run may not have ``measure``, as a sentence."""
    _, statistic = split_percentile(measure.name) or ("", "")
    share = share_of(statistic)
    if share is None:
        return "Unknown: the run did not measure it, or not for long enough."
    fewest = round(1 / min(share, 1 - share))
    return f"Unknown: {statistic} takes at least {fewest} messages that count and have an ack."


def sparklines(summaries: Sequence[Summary], measure: Measure) -> list[Sparkline]:
    """Return a sparkline for each case of the runs whose ``summaries`` are given, oldest first."""
    columns = [_values(each, measure) for each in summaries]
    cases = dict.fromkeys(case for column in columns for case in column)
    return [_drawn(case, [column.get(case) for column in columns], measure) for case in cases]


def offered() -> list[Measure]:
    """Return the measures that can be chosen."""
    return [MEASURES[name] for name in OFFERED]


def _values(summary: Summary, measure: Measure) -> Mapping[str, float | None]:
    return {case.name: case.measures.get(measure.key) for case in summary.cases}


def _drawn(case: str, values: Sequence[float | None], measure: Measure) -> Sparkline:
    known = [value for value in values if value is not None]
    least, greatest = min([0.0, *known]), max([0.0, *known])
    step, span = (WIDTH - 2 * ROOM) / max(len(values) - 1, 1), (greatest - least) or 1.0
    points = [
        None
        if value is None
        else (
            round(ROOM + place * step, 1),
            round(HEIGHT - ROOM - (value - least) / span * (HEIGHT - 2 * ROOM), 1),
        )
        for place, value in enumerate(values)
    ]
    last = next((point for point in reversed(points) if point is not None), None)
    texts = [format_value(value, measure.dimension) for value in values]
    ends = (known[0], known[-1], min(known), max(known)) if known else (None,) * 4
    first, newest, lowest, highest = (format_value(each, measure.dimension) for each in ends)
    curves = list(_curves(points))
    return Sparkline(case, texts, curves, last, (first, newest), (lowest, highest), None in values)


def _curves(points: Sequence[tuple[float, float] | None]) -> Iterable[str]:
    """Yield a path for each part of ``points`` without a gap; of a single point, a dot."""
    part: list[str] = []
    for point in (*points, None):
        if point is not None:
            part.append(f"{point[0]:g} {point[1]:g}")
        elif part:
            yield "M" + "L".join(part) + ("" if part[1:] else "h0")
            part = []
