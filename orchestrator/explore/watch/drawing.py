"""Draws the last seconds of a server with the lanes of the report: workers, then connections.

Beside the lanes, the same as text: how many connections there are, and what each does now.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.explore.rendering import render
from orchestrator.explore.watch.window import (
    SPAN_NS,
    WITH_NO_WORKER,
    Connection,
    Service,
    View,
)
from orchestrator.report.charts.lanes import (
    CONNECTION_HEIGHTS,
    CONNECTIONS_HEIGHT,
    KEPT_HEIGHT,
    LABEL_HEIGHT,
    ROW_HEIGHT,
    SECTION_GAP,
    WORKER_HEIGHTS,
    WORKERS_SHOWN,
    Bars,
    Lane,
    Timeline,
    shared_rows,
)
from orchestrator.report.charts.plot import TextTable, Tick
from orchestrator.report.charts.stages import ACCEPT, QUEUE
from orchestrator.report.charts.time_axis import HUES, TimeAxis, Units

MOST_LANES = 40
"""Of connections: first those that are open, then those that have ended last."""

MOST_SERVICES_DRAWN = 1_000
TICK_EVERY_S = 5
MOST_MESSAGE_CHARS = 40

LEGEND = (
    (ACCEPT.style, 11 * ACCEPT.height, "waits to be accepted, in the kernel's accept queue"),
    (QUEUE.style, 11 * QUEUE.height, WITH_NO_WORKER),
    ("k1", KEPT_HEIGHT, "a worker holds it, in the color of that worker"),
    ("service k1", 11.0, "a message in service"),
)
"""The styles, heights and meanings of the bars."""

_UNITS = Units(SPAN_NS)

Place = tuple[int, int, float]


@dataclass(frozen=True)
class Row:
    """A connection in the table; ``name`` is its client's port."""

    name: str
    worker: str
    state: str
    acked: int


def draw(view: View, title: str) -> str:
    """Return the markup of ``view``, the lanes of the server ``title``."""
    shown = shown_connections(view)
    services = view.services[-MOST_SERVICES_DRAWN:]
    is_cut = view.is_cut or len(services) < len(view.services)
    return render(
        "watch_scene.html.j2",
        title=title,
        axis=_axis(),
        drawn=_timeline(view, shown, services),
        rows=[_row(each) for each in shown],
        counts=counts(view),
        is_cut=is_cut,
        services=MOST_SERVICES_DRAWN,
        left_out=len(view.connections) - len(shown),
        workers_left_out=max(len(view.workers) - WORKERS_SHOWN, 0),
    )


def counts(view: View) -> list[tuple[str, int]]:
    """Return how many connections and messages there are, each with what is counted."""
    waiting = sum(each.accepted_ns is None for each in view.open)
    with_none = sum(each.state == WITH_NO_WORKER for each in view.open)
    return [
        ("connections open", len(view.open) - waiting),
        ("messages in service", sum(each.service is not None for each in view.open)),
        (WITH_NO_WORKER, with_none),
        ("waiting to be accepted", waiting),
        ("connections so far", view.accepted),
        ("messages acked so far", view.acked),
    ]


def shown_connections(view: View) -> list[Connection]:
    """Return the connections with a lane, in the order in which they came."""
    open_first = view.open[:MOST_LANES]
    room = MOST_LANES - len(open_first)
    ended = [each for each in view.connections if each.ended_ns is not None]
    last = sorted(ended, key=lambda each: each.ended_ns or 0)[-room:] if room else []
    return sorted([*open_first, *last], key=lambda each: each.came_ns)


def _row(conn: Connection) -> Row:
    state = conn.state
    if len(state) > MOST_MESSAGE_CHARS:
        state = state[: MOST_MESSAGE_CHARS - 1] + "…"
    return Row(f"port {conn.port}", str(conn.worker or ""), state, conn.acked)


def _axis() -> TimeAxis:
    seconds = SPAN_NS // 1_000_000_000
    before = [
        Tick(round(100 * (1 - each / seconds), 2), f"-{each} s")
        for each in range(seconds, 0, -TICK_EVERY_S)
    ]
    return TimeAxis(SPAN_NS, [*before, Tick(100, "now")])


def _timeline(view: View, shown: Sequence[Connection], services: Sequence[Service]) -> Timeline:
    workers = list(_workers(view, services))
    bottom = workers[-1].y + workers[-1].height if workers else 0
    connections = list(_connections(view, shown, services, bottom))
    last = (connections or workers)[-1:]
    return Timeline(
        workers=workers,
        connections=connections,
        depths=[],
        faults=[],
        height=last[0].y + last[0].height if last else SECTION_GAP,
        left_out="",
        has_lost=False,
        table=TextTable((), ()),
    )


def _workers(view: View, services: Sequence[Service]) -> Iterator[Lane]:
    y = SECTION_GAP
    low, high = WORKER_HEIGHTS
    for worker in view.workers[:WORKERS_SHOWN]:
        spans = [_span(view, each) for each in services if each.worker == worker]
        rows, row_of = shared_rows(spans)
        height = max(low, min(high, rows * ROW_HEIGHT))
        thick = height / rows
        held = [
            (*_held(view, each), y + height / 2)
            for each in view.connections
            if each.worker == worker and _is_seen(view, each.ended_ns)
        ]
        served = [
            (begin, end, y + (row + 0.5) * thick)
            for (begin, end), row in zip(spans, row_of, strict=True)
        ]
        hue = worker % HUES
        bars = [
            *_bars(f"k{hue}", KEPT_HEIGHT, held),
            *_bars(f"service k{hue}", round(thick * 0.86, 2), served),
        ]
        name = f"worker {worker}"
        yield Lane(y, height, name, name, bars, hue)
        y += height + 2


def _connections(
    view: View, shown: Sequence[Connection], services: Sequence[Service], bottom: int
) -> Iterator[Lane]:
    low, high = CONNECTION_HEIGHTS
    height = max(low, min(high, CONNECTIONS_HEIGHT // max(1, len(shown))))
    labelled_every = -(-LABEL_HEIGHT // height)
    served: dict[str, list[Service]] = {}
    for service in services:
        served.setdefault(service.conn, []).append(service)
    for number, conn in enumerate(shown):
        y = bottom + SECTION_GAP + number * height
        own = [each for each in served.get(conn.conn, ()) if _is_of(each, conn)]
        bars = list(_lane_bars(view, conn, own, (y + height / 2, height - 2)))
        label = f"port {conn.port}"
        yield Lane(y, height, label, "" if number % labelled_every else label, bars)


def _is_of(service: Service, conn: Connection) -> bool:
    """Whether ``service`` is of ``conn``: names of connections are used again after a restart."""
    until_ns = conn.ended_ns
    is_after = conn.accepted_ns is not None and service.begun_ns >= conn.accepted_ns
    return is_after and (until_ns is None or service.begun_ns <= until_ns)


def _lane_bars(
    view: View, conn: Connection, services: Sequence[Service], place: tuple[float, float]
) -> Iterator[Bars]:
    """Yield the bars of a connection at ``place``: the middle of its lane, and its room."""
    middle, room = place
    end_ns = conn.ended_ns or view.now_ns
    accepted_ns, held_ns = conn.accepted_ns or end_ns, conn.held_ns or end_ns
    waits = _place(view, conn.came_ns, accepted_ns, middle)
    yield from _bars(ACCEPT.style, room * ACCEPT.height, waits)
    yield from _bars(QUEUE.style, room * QUEUE.height, _place(view, accepted_ns, held_ns, middle))
    if conn.worker is not None:
        held = _place(view, held_ns, end_ns, middle)
        yield from _bars(f"k{conn.worker % HUES}", KEPT_HEIGHT, held)
    for worker in sorted({each.worker for each in services}):
        spans = [_span(view, each) for each in services if each.worker == worker]
        places = [(begin, end, middle) for begin, end in spans]
        yield from _bars(f"service k{worker % HUES}", room, places)


def _bars(style: str, width: float, places: Sequence[Place]) -> Iterator[Bars]:
    if places:
        yield Bars(style, round(width, 2), _UNITS.strokes(places))


def _place(view: View, begin_ns: int, end_ns: int, y: float) -> list[Place]:
    """Return the part of a span that is in the window, none if there is none."""
    begin, end = max(begin_ns - view.begin_ns, 0), end_ns - view.begin_ns
    return [(begin, end, y)] if end > begin else []


def _span(view: View, service: Service) -> tuple[int, int]:
    """Return when a service begins and ends in the window."""
    end_ns = view.now_ns if service.ended_ns is None else service.ended_ns
    begin = max(service.begun_ns - view.begin_ns, 0)
    return begin, max(end_ns - view.begin_ns, begin)


def _held(view: View, conn: Connection) -> tuple[int, int]:
    """Return when a worker takes and gives back a connection in the window."""
    begin = max((conn.held_ns or 0) - view.begin_ns, 0)
    return begin, max((conn.ended_ns or view.now_ns) - view.begin_ns, begin)


def _is_seen(view: View, ended_ns: int | None) -> bool:
    return ended_ns is None or ended_ns > view.begin_ns
