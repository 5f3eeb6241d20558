"""The stages that a message passes through, as spans of time: what a lane of a timeline shows.

They meet end to end from due to the end. What the server's log does not tell is a wait like any
other; `orchestrator.analysis.breakdown` is exact where this is a picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.analysis.chart_data import RequestRecord


@dataclass(frozen=True)
class Stage:
    """A kind of span: its style, what it means, and its share of the height of a lane."""

    style: str
    meaning: str
    height: float


LAG = Stage("lag", "due, not sent yet", 0.12)
ACCEPT = Stage("accept", "wait in the accept queue", 0.25)
QUEUE = Stage("queue", "wait in the application's queue", 0.5)
SERVICE = Stage("service", "in service", 1.0)
ANSWER = Stage("answer", "answer on its way", 0.5)
STAGES = (LAG, ACCEPT, QUEUE, SERVICE, ANSWER)
"""In the order in which a message meets them; the nearer to its service, the higher."""

Span = tuple[Stage, int, int]


def spans(request: RequestRecord) -> Iterator[Span]:
    """Yield the stages of ``request`` that took any time, each with its begin and its end in ns."""
    reached_ns = request.due_ns
    for stage, end_ns in _ends(request):
        if end_ns > reached_ns:
            yield stage, reached_ns, end_ns
            reached_ns = end_ns


def _ends(request: RequestRecord) -> Iterator[tuple[Stage, int]]:
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
