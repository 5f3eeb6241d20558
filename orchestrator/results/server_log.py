"""The server's event log: read line by line, and proved complete or said what is missing.

What happens for each request or connection becomes rows of a table, since there may be millions;
the other events are kept as they are. Nothing is joined or judged here.
"""

import json
import struct
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from labkit.wire.samples import read_request_id
from orchestrator.results.tables import Table, table_of

Event: TypeAlias = Mapping[str, Any]
SHOWN_BYTES = 80
OF_CONNECTIONS = frozenset({"connection_closed", "connection_failed"})
NO_EVENT = (ValueError, KeyError, TypeError, OverflowError, AttributeError, struct.error)
"""What a line raises that is no event, or lacks what it must have."""

SERVED = (
    "replica", "user", "message", "conn", "worker",
    "received_ns", "started_ns", "finished_ns", "acked_ns",
)  # fmt: skip
"""A request that was acknowledged; ``conn`` is the row of its connection among the accepted."""

ACCEPTED = ("accepted_ns", "dequeued_ns", "worker", "port")
"""A connection that was taken: by which worker in the end, and the client's port.

``dequeued_ns`` is 0 where the model has no queue of its own.
"""

_served_row = struct.Struct(f"={len(SERVED)}Q").pack  # all of a row or nothing


@dataclass(frozen=True)
class ServerLog:
    """What the server did, in the order written, and why that cannot be all, if it cannot.

    ``events`` are all but those of a request or a connection; ``strangers`` counts the requests
    acknowledged whose id no replica gives.
    """

    events: tuple[Event, ...]
    served: Table
    accepted: Table
    strangers: int
    gaps: tuple[str, ...]

    def of(self, name: str) -> list[Event]:
        """Return the events called ``name``."""
        return [event for event in self.events if event["event"] == name]

    def first(self, name: str) -> Event | None:
        """Return the first event called ``name``, None where there is none."""
        return next(iter(self.of(name)), None)


def read_server_log(path: Path) -> ServerLog:
    """Return what a JSON event log says and the gaps in it.

    The last line, ``stopped``, counts every event; a log is complete where the counts agree. A
    server that is started again says so, by another ``listening``, and counts anew.
    """
    reader = _Reader()
    gaps: list[str] = []
    with path.open("rb") as log:
        for number, line in enumerate(log, start=1):
            try:
                reader.take(json.loads(line.decode()))
            except NO_EVENT:
                gaps.append(f"{path.name}:{number} is no event: {line[:SHOWN_BYTES].strip()!r}")
    return reader.log((*gaps, *reader.gaps(path.name)))


def log_of(events: Iterable[Event], *gaps: str) -> ServerLog:
    """Return the log that consists of ``events``."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.log(gaps)


class _Reader:
    """Takes one event after another."""

    def __init__(self) -> None:
        self._seen = Counter[str]()
        self._last: Event = {}
        self._events: list[Event] = []
        self._served = array("Q")
        self._accepted = array("Q")
        self._rows: dict[tuple[int, str], int] = {}  # of ``accepted``; a start has ids of its own
        self._strangers = 0
        self._starts = 0
        self._gaps: list[str] = []

    def take(self, event: Event) -> None:
        """Add ``event``.

        Raises:
            Exception: one of `NO_EVENT`; it is none, or lacks what it must have.
        """
        name = event["event"]
        if name == "listening":
            self._begin()
        if name == "request_acked":
            self._take_request(event)
        elif name == "accepted":
            self._take_acceptance(event)
        elif name == "dequeued":
            self._note(event["conn"], dequeued_ns=event["t_ns"], worker=event["worker"])
        elif not isinstance(name, str):
            raise TypeError(name)
        elif name not in OF_CONNECTIONS:
            self._events.append(event)
        self._seen[name] += 1
        self._last = event

    def _take_request(self, event: Event) -> None:
        numbers = read_request_id(event["request"])
        if numbers is None:
            self._strangers += 1
            return
        self._served.frombytes(
            _served_row(
                *numbers, self._row(event["conn"]), event["worker"],
                event["received_ns"], event["started_ns"], event["finished_ns"], event["t_ns"],
            )
        )  # fmt: skip

    def _row(self, conn: str) -> int:
        """Return the row of a connection, a new one for an id that is new."""
        row = self._rows.setdefault((self._starts, conn), len(self._rows))
        if row * len(ACCEPTED) == len(self._accepted):
            self._accepted.extend([0] * len(ACCEPTED))
        return row

    def _take_acceptance(self, event: Event) -> None:
        """Add who accepted a connection; its worker is who took it from the queue, if anybody did.

        Two threads write: that it was taken may be told before that it was accepted.
        """
        conn = event["conn"]
        self._note(conn, accepted_ns=event["t_ns"], port=_port(event["peer"]))
        if not self._accepted[self._row(conn) * len(ACCEPTED) + ACCEPTED.index("dequeued_ns")]:
            self._note(conn, worker=event["worker"])

    def _note(self, conn: str, **cells: int) -> None:
        begin = self._row(conn) * len(ACCEPTED)
        for column, cell in cells.items():
            self._accepted[begin + ACCEPTED.index(column)] = cell

    def _begin(self) -> None:
        """Close the account of the start before, if the server is started once more."""
        if self._starts:
            self._gaps += self._missing()
            self._seen.clear()
        self._starts += 1

    def gaps(self, name: str) -> Iterator[str]:
        """Yield what is missing in the log called ``name``, of each start."""
        yield from (f"{name} {gap}" for gap in (*self._gaps, *self._missing()))

    def _missing(self) -> Iterator[str]:
        """Yield what the last line counts otherwise than the lines since the start."""
        counted = self._last.get("counts")
        if self._last.get("event") != "stopped" or not isinstance(counted, Mapping):
            yield "does not end with the event stopped"
            return
        for event in sorted({*self._seen, *counted}):
            if self._seen[event] != counted.get(event, 0):
                yield f"holds {self._seen[event]} of {counted.get(event, 0)} events {event}"

    def log(self, gaps: tuple[str, ...]) -> ServerLog:
        """Return all that was taken."""
        return ServerLog(
            events=tuple(self._events),
            served=table_of(SERVED, self._served),
            accepted=table_of(ACCEPTED, self._accepted),
            strangers=self._strangers,
            gaps=gaps,
        )


def _port(peer: str) -> int:
    return int(peer.rpartition(":")[2])
