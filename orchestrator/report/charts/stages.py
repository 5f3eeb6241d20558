"""The stages of a message as spans of time, as a lane of a timeline shows them.

The spans fill the time from due to the end without gaps. An instant that is missing in the server's
log extends the wait before it; `orchestrator.analysis.breakdown` computes the exact stages.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.analysis.excerpt import RequestRecord


@dataclass(frozen=True)
class LaneStage:
    """A stage: its style, what it means, and its share of the height of a lane."""

    style: str
    meaning: str
    height: float


LAG = LaneStage("lag", "due, not sent yet", 0.12)
ACCEPT = LaneStage("accept", "wait in the accept queue", 0.25)
QUEUE = LaneStage("queue", "wait in the application's queue", 0.5)
SERVICE = LaneStage("service", "in service", 1.0)
ANSWER = LaneStage("answer", "answer on its way", 0.5)
LANE_STAGES = (LAG, ACCEPT, QUEUE, SERVICE, ANSWER)
"""In the order of a message; the nearer to its service, the higher."""

StageSpan = tuple[LaneStage, int, int]


def spans(request: RequestRecord) -> Iterator[StageSpan]:
    """Yield the stages of ``request`` that took any time, each with its begin and end in ns."""
    reached_ns = request.due_ns
    for stage, end_ns in _ends(request):
        if end_ns > reached_ns:
            yield stage, reached_ns, end_ns
            reached_ns = end_ns


def _ends(request: RequestRecord) -> Iterator[tuple[LaneStage, int]]:
    yield LAG, request.sent_ns
    if request.started_ns is None:
        is_accepted = request.accepted_ns is not None
        yield ACCEPT, request.accepted_ns if request.accepted_ns is not None else request.ended_ns
        if is_accepted:
            yield QUEUE, request.ended_ns
        return
    if request.accepted_ns is not None:
        yield ACCEPT, min(request.accepted_ns, request.started_ns)
    yield QUEUE, request.started_ns
    if request.finished_ns is not None:
        yield SERVICE, request.finished_ns
        yield ANSWER, request.ended_ns
    else:
        yield SERVICE, request.ended_ns
