"""The swim lanes of one case: a lane for each user, a bar for each wait and each service.

Geometry only, in units of the shared time axis; the template draws it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.dimensions import TIME, format_value
from orchestrator.records import ACKED, Excerpt, RequestRecord

HUES = 8
"""Colours for workers; they repeat beyond."""

UNITS = 10_000
"""The width of the time axis in units of the drawing: a request is placed to a ten-thousandth."""

PICTURE_HEIGHT = 480
LANE_HEIGHTS = (3, 18)
LABEL_HEIGHT = 12


@dataclass(frozen=True)
class Bar:
    """One request in its lane: waiting from ``x`` to ``start``, served to ``end``, in units.

    ``hue`` is the worker's colour, None where the server never served it.
    """

    x: int
    start: int
    end: int
    hue: int | None
    is_lost: bool
    told: str


@dataclass(frozen=True)
class Lane:
    """One user; ``label`` names it, and is empty where there is no room for it."""

    y: int
    label: str
    bars: list[Bar]


@dataclass(frozen=True)
class Picture:
    """All lanes of a case; ``left_out`` says what is not drawn, empty if everything is."""

    lanes: list[Lane]
    lane_height: int
    workers: list[tuple[int, int]]
    """Each worker with the number of requests drawn, for the legend."""
    has_lost: bool
    left_out: str

    @property
    def height(self) -> int:
        """The height of all lanes in pixels."""
        return self.lane_height * len(self.lanes)


def draw(shown: Excerpt, span_ns: int) -> Picture:
    """Return the picture of ``shown`` on a time axis from 0 to ``span_ns``."""
    users: dict[str, list[RequestRecord]] = defaultdict(list)
    for request in shown.requests:
        users[request.user].append(request)
    low, high = LANE_HEIGHTS
    height = max(low, min(high, PICTURE_HEIGHT // max(1, len(users))))
    every = -(-LABEL_HEIGHT // height)
    lanes = [
        Lane(
            y=row * height,
            label="" if row % every else user,
            bars=[_bar(request, span_ns) for request in requests],
        )
        for row, (user, requests) in enumerate(users.items())
    ]
    has_lost = any(bar.is_lost for lane in lanes for bar in lane.bars)
    return Picture(lanes, height, _workers(shown.requests), has_lost, _left_out(shown, len(users)))


def _bar(request: RequestRecord, span_ns: int) -> Bar:
    def at(instant_ns: int) -> int:
        return round(min(max(instant_ns, 0), span_ns) * UNITS / max(1, span_ns))

    served = request.started_ns is not None and request.finished_ns is not None
    return Bar(
        x=at(request.sent_ns),
        start=at(request.ended_ns if request.started_ns is None else request.started_ns),
        end=at(request.ended_ns if request.finished_ns is None else request.finished_ns),
        hue=(request.worker or 0) % HUES if served else None,
        is_lost=request.outcome != ACKED,
        told=_told(request),
    )


def _told(request: RequestRecord) -> str:
    """Return the request's story for whoever points at it."""
    parts = [f"{request.user}, message {request.message}: sent at {_time(request.sent_ns)}"]
    if request.started_ns is not None:
        parts.append(f"waited {_time(request.started_ns - request.sent_ns)}")
        if request.finished_ns is not None:
            by = "" if request.worker is None else f" by worker {request.worker}"
            parts.append(f"served for {_time(request.finished_ns - request.started_ns)}{by}")
    outcome = request.outcome.replace("_", " ")
    return ", ".join([*parts, f"{outcome} at {_time(request.ended_ns)}"])


def _time(value_ns: int) -> str:
    return format_value(value_ns / 1e9, TIME)


def _workers(shown: Iterable[RequestRecord]) -> list[tuple[int, int]]:
    served: dict[int, int] = defaultdict(int)
    for request in shown:
        if request.worker is not None and request.finished_ns is not None:
            served[request.worker] += 1
    return sorted(served.items())


def _left_out(shown: Excerpt, users: int) -> str:
    if len(shown.requests) == shown.sent:
        return ""
    return (
        f"{users} of {shown.users} users and {len(shown.requests)} of {shown.sent} messages are "
        "drawn, evenly from the first user served to the last"
    )
