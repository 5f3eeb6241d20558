"""The timeline of one case: a lane for each worker, one for each connection, and the queues.

Geometry only, in units of the time axis that all timelines of a page share; a template draws it
and the script zooms it. Bars are strokes of one path, so that thousands of them are few elements.
`lane_table` has the lanes in numbers; `pointer_data` is what the script shows for a message.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import assign_rows
from orchestrator.analysis.excerpt import ACKED_TEXT, Excerpt, RequestRecord
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.report.charts.plot import Subject, TextTable
from orchestrator.report.charts.queues import DepthRow, depth_rows
from orchestrator.report.charts.stages import LANE_STAGES, SERVICE, spans
from orchestrator.report.charts.time_axis import HUES, Units, fault_spans
from orchestrator.report.escape import visible

CONNECTIONS_HEIGHT = 360
CONNECTION_HEIGHTS = (3, 16)
WORKER_HEIGHTS = (14, 96)
ROW_HEIGHT = 5
WORKERS_SHOWN = 16
LABEL_HEIGHT, LABEL_CHARS = 12, 14
USER, ELLIPSIS = "user", "…"
SECTION_GAP = 26
"""Above each kind of lanes, for its heading."""

MAX_ROWS = 48
"""Of a worker's lane; more could not be told apart, so spans then share rows."""

LOST_HEIGHT, LOST_WIDTH = 9, 2
"""Of the mark of a failed message, which is seen in the lowest lane and at every zoom."""

KEPT_HEIGHT = 3

Kept = Mapping[int, Sequence[tuple[int, int]]]
"""When a worker keeps a connection, begin and end in ns; a worker without any has an empty lane."""

NONE_KEPT: Kept = {}

TABLE_ROWS = 16
COLUMNS = (
    "lane", "message", "worker", "outcome",
    "due", "sent", "accepted", "started", "finished", "ended",
)  # fmt: skip
"""The numbers of a message for the script. ``due`` is in microseconds since the start, the instants
after it since ``due``, -1 if unknown; ``lane`` and ``outcome`` are indices of the other lists."""


@dataclass(frozen=True)
class Bars:
    """All spans of one style in a lane, as a path of strokes that are ``width`` high."""

    style: str
    width: float
    path: str


@dataclass(frozen=True)
class Lane:
    """A lane from ``y``, ``height`` high; ``label`` is empty if there is no room for it.

    ``hue`` is the worker's color, None for a connection. ``has_lost`` is true if a message of it
    failed.
    """

    y: int
    height: int
    name: str
    label: str
    bars: list[Bars]
    hue: int | None = None
    has_lost: bool = False


@dataclass(frozen=True)
class FaultMark:
    """A fault from ``begin`` to ``end`` in units, which are equal if it was not undone."""

    begin: int
    end: int
    name: str


@dataclass(frozen=True)
class Timeline:
    """A case on the time axis; ``left_out`` says what is not drawn, empty if all is."""

    workers: list[Lane]
    connections: list[Lane]
    depths: list[DepthRow]
    faults: list[FaultMark]
    height: int
    left_out: str
    has_lost: bool
    table: TextTable


def timeline(
    subject: Subject, units: Units, peaks: Sequence[int], kept: Kept = NONE_KEPT
) -> Timeline:
    """Return the timeline of ``subject``; ``peaks`` are the highest of each queue on the page."""
    excerpt = subject.exhibit.excerpt
    by_worker = _group_by_worker(excerpt.requests, kept)
    workers = list(_workers(by_worker, units, kept))
    y = _bottom(workers)
    connections = list(_connections(excerpt.requests, units, y))
    y = _bottom(connections) if connections else y
    depths = depth_rows(subject.exhibit.depths, units, peaks, y)
    return Timeline(
        workers=workers,
        connections=connections,
        depths=depths,
        faults=list(_faults(subject, units)),
        height=depths[-1].y + depths[-1].height if depths else y,
        left_out=_left_out(excerpt, len(connections), len(by_worker)),
        has_lost=any(map(_is_lost, excerpt.requests)),
        table=lane_table(excerpt.requests),
    )


def _bottom(lanes: Sequence[Lane]) -> int:
    return lanes[-1].y + lanes[-1].height if lanes else 0


def _workers(
    by_worker: Mapping[int, list[RequestRecord]], units: Units, kept: Kept
) -> Iterator[Lane]:
    """Yield a lane for each worker; requests that it serves at the same time are in rows."""
    y = SECTION_GAP
    for worker, own in list(by_worker.items())[:WORKERS_SHOWN]:
        rows, row_of = shared_rows([(_begin(request), _end(request)) for request in own])
        low, high = WORKER_HEIGHTS
        height = max(low, min(high, rows * ROW_HEIGHT))
        thick = height / rows
        places = [
            (_begin(request), _end(request), y + (row + 0.5) * thick)
            for request, row in zip(own, row_of, strict=True)
        ]
        hue = worker % HUES
        keeps = [(begin_ns, end_ns, y + height / 2) for begin_ns, end_ns in kept.get(worker, ())]
        bars = [
            Bars(style, round(width, 2), units.strokes(drawn))
            for style, width, drawn in (
                (f"k{hue}", KEPT_HEIGHT, keeps),
                (f"service k{hue}", thick * 0.86, places),
            )
            if drawn
        ]
        name = f"worker {worker}" if rows == 1 else f"loop {worker}"
        yield Lane(y, height, name, name, bars, hue)
        y += height + 2


def _group_by_worker(
    requests: Iterable[RequestRecord], others: Iterable[int]
) -> dict[int, list[RequestRecord]]:
    """Return the requests of each worker that served any, and of ``others``, in their order."""
    served: dict[int, list[RequestRecord]] = defaultdict(list)
    served.update((worker, []) for worker in others)
    for request in requests:
        if request.worker is not None and request.started_ns is not None:
            served[request.worker].append(request)
    return dict(sorted(served.items()))


def shared_rows(spans: Sequence[tuple[int, int]]) -> tuple[int, list[int]]:
    """Return how many rows the half-open ``spans`` take, 1 to `MAX_ROWS`, and the row of each."""
    rows = assign_rows(spans)
    count = min(max(rows, default=0) + 1, MAX_ROWS)
    return count, [row % count for row in rows]


def _begin(request: RequestRecord) -> int:
    return request.sent_ns if request.started_ns is None else request.started_ns


def _end(request: RequestRecord) -> int:
    return request.ended_ns if request.finished_ns is None else request.finished_ns


def _connections(requests: Sequence[RequestRecord], units: Units, begin_y: int) -> Iterator[Lane]:
    users = group_by_user(requests)
    low, high = CONNECTION_HEIGHTS
    height = max(low, min(high, CONNECTIONS_HEIGHT // max(1, len(users))))
    lost = [any(map(_is_lost, own)) for own in users.values()]
    labelled = _labelled(lost, -(-LABEL_HEIGHT // height))
    for row, (user, own) in enumerate(users.items()):
        y = begin_y + SECTION_GAP + row * height
        label = _label(user) if row in labelled else ""
        bars = list(_bars(own, units, y, height))
        yield Lane(y, height, user, label, bars, has_lost=lost[row])


def _label(user: str) -> str:
    """Return the name of ``user``; if it is too long, shortened so that its number stays."""
    if len(user) <= LABEL_CHARS:
        return user
    group, _, number = user.rpartition(f" {USER} ")
    room = LABEL_CHARS - len(f" {number}")
    return f"{group if len(group) <= room else group[: room - 1] + ELLIPSIS} {number}"


def _labelled(lost: Sequence[bool], distance: int) -> set[int]:
    """Return the rows with a label, ``distance`` apart; those that lost a message come first."""
    chosen: set[int] = set()
    rows = range(len(lost))
    for row in (*filter(lost.__getitem__, rows), *range(0, len(lost), distance)):
        if chosen.isdisjoint(range(row - distance + 1, row + distance)):
            chosen.add(row)
    return chosen


def _is_lost(request: RequestRecord) -> bool:
    return request.outcome != ACKED_TEXT


def _bars(requests: Sequence[RequestRecord], units: Units, y: int, height: int) -> Iterator[Bars]:
    places: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    middle, room = y + height / 2, height - (3 if height > LABEL_HEIGHT else 0.6)
    for request in requests:
        hue = f" k{(request.worker or 0) % HUES}"
        for stage, begin_ns, end_ns in spans(request):
            style = stage.style + (hue if stage is SERVICE else "")
            places[style].append((begin_ns, end_ns, middle))
    widths = {stage.style: round(max(stage.height * room, 0.8), 2) for stage in LANE_STAGES}
    for style, own in sorted(places.items()):
        yield Bars(style, widths[style.partition(" ")[0]], units.strokes(own))
    lost = [units.at(request.ended_ns) for request in requests if _is_lost(request)]
    if lost:
        high = max(room, LOST_HEIGHT)
        path = "".join(f"M{at} {middle - high / 2:g}v{high:g}" for at in lost)
        yield Bars("lost", LOST_WIDTH, path)


def _faults(subject: Subject, units: Units) -> Iterator[FaultMark]:
    for begin_s, end_s, name in fault_spans(subject.case):
        yield FaultMark(units.at(round(begin_s * 1e9)), units.at(round(end_s * 1e9)), name)


def _left_out(excerpt: Excerpt, users: int, workers: int) -> str:
    """Return what of the case is not drawn; empty if all of it is."""
    parts = []
    if len(excerpt.requests) < excerpt.sent:
        parts.append(
            f"{users} of {excerpt.users} users and {len(excerpt.requests)} of {excerpt.sent} "
            "messages are drawn, evenly from the first user served to the last, with the slowest"
            f"{_failing_shown(excerpt)}; samples/ of the results contains all of them"
        )
    if workers > WORKERS_SHOWN:
        parts.append(f"the first {WORKERS_SHOWN} of {workers} workers have a lane")
    return "; ".join(parts)


def _failing_shown(excerpt: Excerpt) -> str:
    """Return how many of the users with a failure are drawn; empty if no user had one."""
    if not excerpt.failing:
        return ""
    if excerpt.failing == 1:
        return " and the one user with a failure"
    shown = "all" if excerpt.failing_shown == excerpt.failing else f"{excerpt.failing_shown} of"
    return f" and {shown} {excerpt.failing} users with a failure"


def group_by_user(requests: Iterable[RequestRecord]) -> dict[str, list[RequestRecord]]:
    """Return the requests of each user; users in the order of their first request."""
    users: dict[str, list[RequestRecord]] = defaultdict(list)
    for request in requests:
        users[request.user].append(request)
    return dict(users)


def lane_table(requests: Iterable[RequestRecord]) -> TextTable:
    """Return a row for each connection: its workers, and the time that it was in each stage.

    Only the first `TABLE_ROWS` connections have a row; a last row counts the others.
    """
    users = list(group_by_user(requests).items())
    rows = [_row(user, own) for user, own in users[:TABLE_ROWS]]
    if len(users) > TABLE_ROWS:
        rows.append((f"and {len(users) - TABLE_ROWS} more",))
    return TextTable(
        ("connection", "workers", "acked", *(stage.meaning for stage in LANE_STAGES), "ended at"),
        rows,
    )


def _row(user: str, requests: Sequence[RequestRecord]) -> tuple[str, ...]:
    totals = dict.fromkeys(LANE_STAGES, 0)
    for request in requests:
        for stage, begin_ns, end_ns in spans(request):
            totals[stage] += end_ns - begin_ns
    workers = sorted({request.worker for request in requests if request.worker})
    acked = sum(request.outcome == ACKED_TEXT for request in requests)
    return (
        user,
        ", ".join(map(str, workers)),
        f"{acked}/{len(requests)}",
        *map(_time_text, totals.values()),
        _time_text(max(request.ended_ns for request in requests)),
    )


def _time_text(value_ns: int) -> str:
    return format_value(value_ns / 1e9, TIME)


def pointer_data(drawn: Timeline, requests: Sequence[RequestRecord]) -> dict[str, object]:
    """Return the lanes of ``drawn``, and its messages as small numbers, for the script.

    Names are made printable here. The script writes them as text, so markup in them is harmless.
    """
    lane_of = {lane.name: number for number, lane in enumerate(drawn.connections)}
    outcomes = list(dict.fromkeys(request.outcome for request in requests))
    return {
        "columns": len(COLUMNS),
        "workers": [[lane.y, lane.height, visible(lane.name)] for lane in drawn.workers],
        "connections": [[lane.y, lane.height, visible(lane.name)] for lane in drawn.connections],
        "outcomes": [visible(outcome.replace("_", " ")) for outcome in outcomes],
        "messages": [
            number
            for request in requests
            for number in _numbers(request, lane_of[request.user], outcomes.index(request.outcome))
        ],
    }


def _numbers(request: RequestRecord, lane: int, outcome: int) -> Iterator[int]:
    yield from (lane, request.message, request.worker or 0, outcome, request.due_ns // 1000)
    instants_ns = (request.sent_ns, request.accepted_ns, request.started_ns, request.finished_ns)
    for instant_ns in (*instants_ns, request.ended_ns):
        yield -1 if instant_ns is None else max((instant_ns - request.due_ns) // 1000, 0)
