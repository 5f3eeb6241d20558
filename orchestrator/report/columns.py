"""The columns of the table of cases, the same in the terminal and in the HTML report.

A heading says what the column is, over one or two lines; `legend` adds what a heading has no room
for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from orchestrator.measures.dimensions import format_value
from orchestrator.measures.evaluate import AT_LEAST
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.views import REPLAYED, SLOWEST
from orchestrator.results.summary import CaseSummary, Outcome

UNKNOWN = "—"


@dataclass(frozen=True)
class Column:
    """One column: its ``heading``, and ``cell``, which returns its text for a case."""

    heading: str
    cell: Callable[[CaseSummary], str]


Columns = tuple[Column, ...]


def measure_value(case: CaseSummary, name: str) -> float | None:
    """Return the measure ``name`` of ``case`` in base units; None if it is unknown."""
    return case.measures.get(MEASURES[name].key)


def measure_text(case: CaseSummary, name: str) -> str:
    """Return the measure ``name`` with its unit: ``≥ 1 s`` if a bound, a dash if unknown."""
    value = measure_value(case, name)
    if value is None:
        return UNKNOWN
    bound = AT_LEAST if MEASURES[name].key in case.lower_bounds else ""
    return bound + format_value(value, MEASURES[name].dimension)


def spread_text(case: CaseSummary, name: str) -> str:
    """Return the distance from the median to the farther end of its interval: `` ±2%``."""
    value, interval = measure_value(case, name), case.intervals.get(MEASURES[name].key)
    if not value or interval is None:
        return ""
    farther = max(value - interval[0], interval[1] - value)
    return f" ±{farther / value:.0%}"


def axis_text(axis: str, case: CaseSummary) -> str:
    """Return the case's value on ``axis``; a dash if it has none."""
    value = case.axes.get(axis, UNKNOWN)
    return str(value).lower() if isinstance(value, bool) else str(value)


def axis_names(cases: Iterable[CaseSummary]) -> list[str]:
    """Return every axis on which a case has a value, in the order of appearance."""
    return list(dict.fromkeys(axis for case in cases for axis in case.axes))


def expectations_met(case: CaseSummary) -> str:
    """Return how many of the expectations of ``case`` passed: ``4/5``; a dash if it has none."""
    if not case.expectations:
        return UNKNOWN
    passed = sum(1 for expectation in case.expectations if expectation.outcome is Outcome.PASSED)
    return f"{passed}/{len(case.expectations)}"


def _connections(case: CaseSummary) -> str:
    fewest = measure_text(case, "connections_per_worker_min")
    most = measure_text(case, "connections_per_worker_max")
    return most if fewest == most else f"{fewest}-{most}"


def acked_of_sent(case: CaseSummary) -> str:
    """Return how many messages were acknowledged, of those sent: ``530/600``."""
    acked, sent = measure_text(case, "acked"), measure_text(case, "sent")
    return acked if sent == UNKNOWN else f"{acked}/{sent}"


def _column(heading: str, name: str) -> Column:
    return Column(heading, lambda case: measure_text(case, name))


def _spread_column(heading: str, name: str) -> Column:
    return Column(heading, lambda case: measure_text(case, name) + spread_text(case, name))


WAITING = (
    _spread_column("total\ntime", "makespan"),
    _spread_column("messages\nper s", "throughput"),
    _column("longest\nfirst wait", "first_service_wait_max"),
    _column("served\nat once", "peak_in_service"),
    Column("connections\nper worker", _connections),
    _column("errors", "errors"),
    Column("as\nexpected", expectations_met),
)
COST = (
    _spread_column("response\ntime p50", "response_time_p50"),
    _column("response\ntime p90", "response_time_p90"),
    _spread_column("response\ntime p99", "response_time_p99"),
    Column("acked\nof sent", acked_of_sent),
    _column("response\ntime max", "response_time_max"),
    _column("max wait\nfor accept", "accept_wait_max"),
    _column("CPU\ntime", "cpu_time"),
    _column("peak\nmemory", "peak_memory"),
)
OPEN = (
    _column("arrivals\nper s", "arrival_rate"),
    _column("offered\nload", "offered_load"),
    _column("arrivals\ndropped", "dropped"),
    _column("sent to\nack p50", "exchange_time_p50"),
    _column("sent to\nack p99", "exchange_time_p99"),
    _column("client\nlag p99", "schedule_lag_p99"),
)
GROUP = (
    Column("acked\nof sent", acked_of_sent),
    _column("messages\nfailed", "failed"),
    _column("errors", "errors"),
    _column("longest\nfirst wait", "first_service_wait_max"),
    _column("response\ntime p50", "response_time_p50"),
    _column("response\ntime p99", "response_time_p99"),
)
LEGEND = (
    "total time (makespan): from the common start to the last ack",
    "first wait: until a user's first message is served",
    "as expected: expectations that hold",
    "response time: from when a message is due to its ack; 99% of them take at most p99",
    "≥: at least, since messages have no ack",
    "wait for accept: connected, but not yet accepted",
    "CPU, memory: of the server",
)
LEGEND_OPEN = (
    "offered load: arrival rate times service time",
    "arrivals dropped: could not be sent",
    "sent to ack: without the wait before a message is sent",
    "client lag: how late the client itself was",
)


def bands(cases: Sequence[CaseSummary]) -> list[Columns]:
    """Return the columns that apply to ``cases``, grouped by topic."""
    return [WAITING, COST, OPEN] if _has_open(cases) else [WAITING, COST]


def legend(cases: Sequence[CaseSummary]) -> tuple[str, ...]:
    """Return what the headings of `bands` leave open."""
    repeats = (_legend_of_repeats(cases),) if any(case.intervals for case in cases) else ()
    return LEGEND + (LEGEND_OPEN if _has_open(cases) else ()) + repeats


def _legend_of_repeats(cases: Sequence[CaseSummary]) -> str:
    conditions = dict.fromkeys(case.condition for case in cases if case.condition)
    about = ", ".join((coverage_text(cases), *conditions))
    return f"values are medians of the repeats; ±: to the farther end of the interval ({about})"


def coverage_text(cases: Iterable[CaseSummary]) -> str:
    """Return the coverage of the intervals, ``98.4%``; those of older versions are of about 95%."""
    coverages = dict.fromkeys(case.coverage for case in cases if case.intervals)
    return " or ".join("about 95%" if each is None else f"{each:.1%}" for each in coverages)


def _has_open(cases: Iterable[CaseSummary]) -> bool:
    return any(measure_value(case, "arrival_rate") is not None for case in cases)


def split_by_group(cases: Iterable[CaseSummary]) -> list[CaseSummary]:
    """Return a case for each client group, with the group's measures and ``group`` as an axis."""
    return [
        case.model_copy(
            update={
                "axes": {**case.axes, "group": name},
                "measures": measures,
                "lower_bounds": [
                    key.removeprefix(f"{name}.")
                    for key in case.lower_bounds
                    if key.startswith(f"{name}.")
                ],
            }
        )
        for case in cases
        for name, measures in case.groups.items()
        if name not in (SLOWEST, REPLAYED)  # one has stages only, the other is the twin's own check
    ]
