"""The columns of the table of cases, the same in the terminal and in the HTML report.

A heading says what the column is, over one or two lines; `legend` adds what a heading has no room
for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from orchestrator.measures.dimensions import Dimension, format_value
from orchestrator.measures.evaluate import AT_LEAST
from orchestrator.measures.registry import find_measure
from orchestrator.measures.views import PREDICTED, VIEWS, WINDOWS
from orchestrator.results.summary import CaseSummary, Outcome

UNKNOWN = "—"
Row = TypeVar("Row")


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: its ``heading``, and ``cell``, which returns its text for a row, e.g. a case."""

    heading: str
    cell: Callable[[Row], str]


Columns = tuple[Column[CaseSummary], ...]


def measure_value(case: CaseSummary, name: str) -> float | None:
    """Return the measure ``name``, or ``group.measure``, of ``case``; None if it is unknown.

    A case with one group only has the measures of that group as its own.
    """
    group, _, own_name = name.rpartition(".")
    measure = find_measure(own_name)
    measures = case.groups.get(group, {}) if group and case.groups else case.measures
    return None if measure is None else measures.get(measure.key)


def measure_text(case: CaseSummary, name: str) -> str:
    """Return the measure ``name`` with its unit, a dash if it is unknown.

    ``≥ 1 s`` if it is a bound, ``1.2 ms ±80.0 us`` if it has the error of two clocks.
    """
    value, measure = measure_value(case, name), find_measure(name)
    if value is None or measure is None:
        return UNKNOWN
    group, dot, _ = name.rpartition(".")
    key = f"{group}{dot}{measure.key}"
    bound = AT_LEAST if key in case.lower_bounds else ""
    return bound + format_value(value, measure.dimension) + error_text(case, key, measure.dimension)


def error_text(case: CaseSummary, key: str, dimension: Dimension) -> str:
    """Return the error of a measure by its key, or ``group.key``: `` ±80.0 us``; empty if exact."""
    error = case.errors.get(key)
    return f" ±{format_value(error, dimension)}" if error else ""


def spread_text(case: CaseSummary, name: str) -> str:
    """Return the distance from the median to the farther end of its interval: `` ±2%``."""
    measure = find_measure(name)
    interval = None if measure is None or "." in name else case.intervals.get(measure.key)
    value = measure_value(case, name)
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


_HEADINGS = {
    "makespan": "total\ntime",
    "throughput": "messages\nper s",
    "first_service_wait_max": "longest\nfirst wait",
    "peak_in_service": "served\nat once",
    "errors": "errors",
    "failed": "messages\nfailed",
    "response_time_p50": "response\ntime p50",
    "response_time_p90": "response\ntime p90",
    "response_time_p99": "response\ntime p99",
    "response_time_max": "response\ntime max",
    "accept_wait_max": "max wait\nfor accept",
    "cpu_time": "CPU\ntime",
    "peak_memory": "peak\nmemory",
    "arrival_rate": "arrivals\nper s",
    "offered_load": "offered\nload",
    "dropped": "arrivals\ndropped",
    "exchange_time_p50": "sent to\nack p50",
    "exchange_time_p99": "sent to\nack p99",
    "schedule_lag_p99": "client\nlag p99",
    "waiting_mean": "mean number\nwaiting",
    "waiting_time_mean": "mean time\nwaiting",
    "in_system_mean": "mean number\nin system",
}


def _column(name: str) -> Column[CaseSummary]:
    return Column(_HEADINGS[name], lambda case: measure_text(case, name))


def _spread_column(name: str) -> Column[CaseSummary]:
    return Column(_HEADINGS[name], lambda case: measure_text(case, name) + spread_text(case, name))


def interpreter_text(case: CaseSummary) -> str:
    """Return the Python of the server, and whether only one of its threads computes at a time."""
    if case.interpreter is None:
        return UNKNOWN
    return f"{case.interpreter.version}, lock {'on' if case.interpreter.lock else 'off'}"


PYTHON = Column("Python of\nthe server", interpreter_text)
AS_EXPECTED = Column("as\nexpected", expectations_met)
ACKED = Column("acked\nof sent", acked_of_sent)
COUNTS = ("acked", "sent", "errors")
"""The measures of the columns that every table ends with."""
WAITING = (
    _spread_column("makespan"),
    _spread_column("throughput"),
    _column("first_service_wait_max"),
    _column("peak_in_service"),
    Column("connections\nper worker", _connections),
    _column("errors"),
    AS_EXPECTED,
)
COST = (
    _spread_column("response_time_p50"),
    _column("response_time_p90"),
    _spread_column("response_time_p99"),
    ACKED,
    _column("response_time_max"),
    _column("accept_wait_max"),
    _column("cpu_time"),
    _column("peak_memory"),
)
OPEN = (
    _column("arrival_rate"),
    _column("offered_load"),
    _column("dropped"),
    _column("exchange_time_p50"),
    _column("exchange_time_p99"),
    _column("schedule_lag_p99"),
)
GROUP = (
    ACKED,
    _column("failed"),
    _column("errors"),
    _column("first_service_wait_max"),
    _column("response_time_p50"),
    _column("response_time_p99"),
)
BASE = ("makespan", "throughput")
"""The measures that every table shows before those in question."""
LEGEND = (
    "total time (makespan): from the common start to the last ack",
    "first wait: until a user's first message is served",
    "as expected: expectations that hold",
    "response time: from when a message is due to its ack; 99% of them take at most p99",
    "≥: at least, since messages have no ack",
    "wait for accept: connected, but not yet accepted",
    "CPU, memory: of the server",
)
LEGEND_PYTHON = "lock on: one thread of the server's Python computes at a time (GIL)"
LEGEND_CLOCKS = "± with a unit: error of the offset between the clocks of client and server"
LEGEND_OPEN = (
    "offered load: arrival rate times service time",
    "arrivals dropped: could not be sent",
    "sent to ack: without the wait before a message is sent",
    "client lag: how late the client itself was",
)


def bands(cases: Sequence[CaseSummary], shown: Sequence[str] = ()) -> list[Columns]:
    """Return the columns that apply to ``cases``: those ``shown``, and a few that always are.

    If none are in question, all columns, grouped by topic.
    """
    python = (PYTHON,) if _differ_in_python(cases) else ()
    if shown:
        names = (*BASE, *(name for name in shown if name not in (*BASE, *COUNTS)))
        return [(*python, *map(column_of, names), ACKED, column_of("errors"), AS_EXPECTED)]
    return [(*python, *WAITING), COST, *([OPEN] if _has_open(cases) else [])]


def all_columns(cases: Sequence[CaseSummary], shown: Sequence[str] = ()) -> Columns:
    """Return those of `bands`, and after them all others that apply to ``cases``."""
    python = (PYTHON,) if any(case.interpreter for case in cases) else ()
    groups = (*bands(cases, shown), *bands(cases), python)
    found = {column.heading: column for columns in groups for column in columns}
    return tuple(found.values())


def column_of(name: str) -> Column[CaseSummary]:
    """Return the column of the measure ``name``, or ``group.measure``."""
    group, _, own_name = name.rpartition(".")
    heading = _HEADINGS.get(own_name) or _heading(own_name)
    heading = f"{group}: {heading}" if group else heading
    return Column(heading, lambda case: measure_text(case, name) + spread_text(case, name))


def _heading(name: str) -> str:
    """Return the words of ``name`` in two lines of about the same length."""
    words = name.split("_")
    cut = min(range(1, len(words) + 1), key=lambda n: max(map(len, _lines_of(words, n))))
    return "\n".join(filter(None, _lines_of(words, cut)))


def _lines_of(words: Sequence[str], cut: int) -> tuple[str, str]:
    return " ".join(words[:cut]), " ".join(words[cut:])


def legend(cases: Sequence[CaseSummary], shown: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what the headings of `bands` leave open."""
    repeats = (_legend_of_repeats(cases),) if any(case.intervals for case in cases) else ()
    lock = (LEGEND_PYTHON,) if _differ_in_python(cases) else ()
    clocks = (LEGEND_CLOCKS,) if any(case.errors for case in cases) else ()
    if shown:
        words = " ".join(column.heading for column in bands(cases, shown)[0]).replace("\n", " ")
        cells = [column.cell(case) for case in cases for column in bands(cases, shown)[0]]
        has_bound = any(AT_LEAST in cell for cell in cells)
        known = (each for each in (*LEGEND, *LEGEND_OPEN) if _is_needed(each, words))
        bounds = (each for each in LEGEND if each.startswith("≥") and has_bound)
        return (*known, *bounds, *lock, *clocks, *repeats)
    return LEGEND + (LEGEND_OPEN if _has_open(cases) else ()) + lock + clocks + repeats


def _differ_in_python(cases: Iterable[CaseSummary]) -> bool:
    return len({interpreter_text(case) for case in cases}) > 1


def _is_needed(line: str, words: str) -> bool:
    """Return whether the thing that ``line`` explains is among ``words``."""
    return line.partition(":")[0].partition(" (")[0] in words


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
    return _split(cases, "group", lambda name: name not in VIEWS)


def split_by_view(cases: Iterable[CaseSummary]) -> list[CaseSummary]:
    """Return the same for each window and for the prediction, with ``view`` as an axis."""
    return _split(cases, "view", lambda name: name in (*WINDOWS, PREDICTED))


def _split(
    cases: Iterable[CaseSummary], axis: str, is_of_axis: Callable[[str], bool]
) -> list[CaseSummary]:
    return [
        case.model_copy(
            update={
                "axes": {**case.axes, axis: name},
                "measures": measures,
                "lower_bounds": [
                    key.removeprefix(f"{name}.")
                    for key in case.lower_bounds
                    if key.startswith(f"{name}.")
                ],
                "errors": {
                    key.removeprefix(f"{name}."): error
                    for key, error in case.errors.items()
                    if key.startswith(f"{name}.")
                },
            }
        )
        for case in cases
        for name, measures in case.groups.items()
        if is_of_axis(name)
    ]
