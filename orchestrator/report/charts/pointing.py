"""What the script is given to tell of the message that somebody points at: small numbers.

Names are made printable here, since nothing but the script sees them afterwards; markup in them is
harmless there, for the script writes text, and in the page, where the template escapes JSON.
"""

from collections.abc import Iterator, Sequence

from orchestrator.records import RequestRecord
from orchestrator.report.charts.timeline import Timeline
from orchestrator.report.visible import visible

COLUMNS = (
    "lane", "message", "worker", "outcome",
    "due", "sent", "accepted", "started", "finished", "ended",
)  # fmt: skip
"""Of each message. ``due`` is in microseconds since the start, what follows since then, -1 where it
is unknown; ``lane`` and ``outcome`` are places in the lists beside."""


def pointing(drawn: Timeline, requests: Sequence[RequestRecord]) -> dict[str, object]:
    """Return the lanes of ``drawn`` and its messages, one after another in ``messages``."""
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
