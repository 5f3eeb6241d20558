"""The columns of the table of cases, the same on a terminal and in HTML."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from orchestrator.measures.dimensions import format_value
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.views import REPLAYED, SLOWEST
from orchestrator.results.summary import CaseSummary, Outcome

UNKNOWN = "—"


@dataclass(frozen=True)
class Column:
    """One column; ``cell`` makes its text for a case."""

    heading: str
    cell: Callable[[CaseSummary], str]


def measured(case: CaseSummary, name: str) -> float | None:
    """Return the measure ``name`` of ``case`` in base units, None where it is unknown."""
    return case.measures.get(MEASURES[name].key)


def measure_text(case: CaseSummary, name: str) -> str:
    """Return the measure ``name`` with its unit, a dash where it is unknown."""
    value = measured(case, name)
    return UNKNOWN if value is None else format_value(value, MEASURES[name].dimension)


def spread_text(case: CaseSummary, name: str) -> str:
    """Return how far the 95% interval of the median goes to its farther side, ``±2%``."""
    value, interval = measured(case, name), case.intervals.get(MEASURES[name].key)
    if not value or interval is None:
        return ""
    farther = max(value - interval[0], interval[1] - value)
    return f" ±{farther / value:.0%}"


def axis_text(axis: str, case: CaseSummary) -> str:
    """Return the case's value on ``axis``, a dash where it has none."""
    value = case.axes.get(axis, UNKNOWN)
    return str(value).lower() if isinstance(value, bool) else str(value)


def axes_of(cases: Iterable[CaseSummary]) -> list[str]:
    """Return every axis that a case has a value on, in the order of their appearance."""
    return list(dict.fromkeys(axis for case in cases for axis in case.axes))


def _connections(case: CaseSummary) -> str:
    fewest = measure_text(case, "connections_per_worker_min")
    most = measure_text(case, "connections_per_worker_max")
    return most if fewest == most else f"{fewest}-{most}"


def _expectations(case: CaseSummary) -> str:
    if not case.expectations:
        return UNKNOWN
    passed = sum(1 for each in case.expectations if each.outcome is Outcome.PASSED)
    return f"{passed}/{len(case.expectations)}"


def _column(heading: str, name: str) -> Column:
    return Column(heading, lambda case: measure_text(case, name))


def _spread_column(heading: str, name: str) -> Column:
    return Column(heading, lambda case: measure_text(case, name) + spread_text(case, name))


WAITING = (
    _spread_column("makespan", "makespan"),
    _spread_column("throughput", "throughput"),
    _column("wait", "first_service_wait_max"),
    _column("peak", "peak_in_service"),
    Column("conns", _connections),
    _column("errors", "errors"),
    Column("expected", _expectations),
)
COST = (
    _spread_column("p50", "response_time_p50"),
    _column("p90", "response_time_p90"),
    _spread_column("p99", "response_time_p99"),
    _column("max", "response_time_max"),
    _column("backlog", "accept_wait_max"),
    _column("CPU", "cpu_time"),
    _column("memory", "peak_memory"),
)
OPEN = (
    _column("arrivals", "arrival_rate"),
    _column("load", "offered_load"),
    _column("dropped", "dropped"),
    _column("naive p50", "exchange_time_p50"),
    _column("naive p99", "exchange_time_p99"),
    _column("lag p99", "schedule_lag_p99"),
)
GROUP = (
    _column("acked", "acked"),
    _column("failed", "failed"),
    _column("errors", "errors"),
    _column("wait", "first_service_wait_max"),
    _column("p50", "response_time_p50"),
    _column("p99", "response_time_p99"),
)
LEGEND = (
    "makespan: from the common start to the last ack",
    "wait: longest wait of a user for its first service",
    "peak: most messages in service at once",
    "conns: connections per worker",
    "expected: expectations that hold",
    "p50 to max: response time, from due to acked",
    "backlog: longest time connected and not yet accepted",
    "CPU, memory: the server's",
)
LEGEND_OPEN = (
    "load: offered load, arrival rate times service time",
    "dropped: arrivals that could not be sent",
    "naive: from sent to acked, blind to what waited to be sent",
    "lag: how late the client itself was",
)
LEGEND_REPEATS = ("medians over the repeats; ±: to the farther end of their 95% interval",)


def bands(cases: Sequence[CaseSummary]) -> list[tuple[Column, ...]]:
    """Return the columns that ``cases`` have something to show in, by what they are about."""
    return [WAITING, COST, OPEN] if _has_open(cases) else [WAITING, COST]


def legend(cases: Sequence[CaseSummary]) -> tuple[str, ...]:
    """Return what the headings of `bands` mean."""
    of_repeats = LEGEND_REPEATS if any(case.intervals for case in cases) else ()
    return LEGEND + (LEGEND_OPEN if _has_open(cases) else ()) + of_repeats


def _has_open(cases: Iterable[CaseSummary]) -> bool:
    return any(measured(case, "arrival_rate") is not None for case in cases)


def by_group(cases: Iterable[CaseSummary]) -> list[CaseSummary]:
    """Return each case once for each of its groups, with the group's measures, as if an axis."""
    return [
        case.model_copy(update={"axes": {**case.axes, "group": name}, "measures": measures})
        for case in cases
        for name, measures in case.groups.items()
        if name not in (SLOWEST, REPLAYED)  # parts alone, and the twin's own check
    ]
