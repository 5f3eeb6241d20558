"""The connections of a timeline as a table: what their lanes show, in numbers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from orchestrator.dimensions import TIME, format_value
from orchestrator.records import ACKED, RequestRecord
from orchestrator.report.charts.plot import Table
from orchestrator.report.charts.stages import STAGES, spans


def by_user(requests: Iterable[RequestRecord]) -> dict[str, list[RequestRecord]]:
    """Return the requests of each user, users in the order of their first."""
    users: dict[str, list[RequestRecord]] = defaultdict(list)
    for request in requests:
        users[request.user].append(request)
    return dict(users)


MAX_ROWS = 16


def lane_table(requests: Iterable[RequestRecord]) -> Table:
    """Return a row for each connection: who served it, and how long it was in each stage.

    Of many connections the first `MAX_ROWS` have one, and a last row says so.
    """
    users = list(by_user(requests).items())
    rows = [_row(user, own) for user, own in users[:MAX_ROWS]]
    if len(users) > MAX_ROWS:
        rows.append((f"and {len(users) - MAX_ROWS} more",))
    return Table(
        ("connection", "workers", "acked", *(stage.meaning for stage in STAGES), "over at"),
        rows,
    )


def _row(user: str, requests: Sequence[RequestRecord]) -> tuple[str, ...]:
    totals = dict.fromkeys(STAGES, 0)
    for request in requests:
        for stage, begin_ns, end_ns in spans(request):
            totals[stage] += end_ns - begin_ns
    workers = sorted({each.worker for each in requests if each.worker})
    acked = sum(each.outcome == ACKED for each in requests)
    return (
        user,
        ", ".join(map(str, workers)),
        f"{acked}/{len(requests)}",
        *map(_text, totals.values()),
        _text(max(each.ended_ns for each in requests)),
    )


def _text(value_ns: int) -> str:
    return format_value(value_ns / 1e9, TIME)
