"""Reads the server's event log, and checks that it is complete.

Events of requests and connections become rows of tables, since there may be millions; other events
are kept as they are. Events are not joined or judged here.
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
MALFORMED = (ValueError, KeyError, TypeError, OverflowError, AttributeError, struct.error)
"""What reading a line raises if it is not an event, or lacks a field."""

SERVED = (
    "replica", "user", "message", "conn", "worker",
    "received_ns", "started_ns", "finished_ns", "acked_ns",
)  # fmt: skip
"""A request that was acknowledged; ``conn`` is the row of its connection among the accepted."""

ACCEPTED = ("accepted_ns", "dequeued_ns", "worker", "port")
"""A connection that was accepted: the worker that served it, and the client's port.

``dequeued_ns`` is 0 if the model has no queue of its own.
"""

_served_row = struct.Struct(f"={len(SERVED)}Q").pack


@dataclass(frozen=True)
class ServerLog:
    """What the server logged, in the order written; ``gaps`` say what is missing.

    ``events`` are those that belong to no request or connection; ``unknown_requests`` counts the
    acknowledged requests whose id is not one of a replica.
    """

    events: tuple[Event, ...]
    served: Table
    accepted: Table
    unknown_requests: int
    gaps: tuple[str, ...]

    def of(self, name: str) -> list[Event]:
        """Return the events called ``name``."""
        return [event for event in self.events if event["event"] == name]

    def first(self, name: str) -> Event | None:
        """Return the first event called ``name``, None if there is none."""
        return next(iter(self.of(name)), None)


def read_server_log(path: Path) -> ServerLog:
    """Return the content of a JSON event log, and the gaps in it.

    The last line, ``stopped``, has the number of events of each kind; the log is complete if the
    numbers agree. A server that is started again logs another ``started`` and counts from 0.
    Versions of the lab that had no ``started`` began with ``listening``, or, if a pool was started
    again, with what followed ``stopped``.
    """
    reader = _Reader()
    gaps: list[str] = []
    with path.open("rb") as log:
        for number, line in enumerate(log, start=1):
            try:
                reader.take(json.loads(line.decode()))
            except MALFORMED:
                gaps.append(f"{path.name}:{number} is not an event: {line[:SHOWN_BYTES].strip()!r}")
    return reader.log((*gaps, *reader.gaps(path.name)))


def log_of(events: Iterable[Event], *gaps: str) -> ServerLog:
    """Return the log that consists of ``events``."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.log(gaps)


class _Reader:
    """Collects one event after another."""

    def __init__(self) -> None:
        self._seen = Counter[str]()
        self._last: Event = {}
        self._events: list[Event] = []
        self._served = array("Q")
        self._accepted = array("Q")
        self._rows: dict[tuple[int, str], int] = {}  # of ``accepted``, by start and connection
        self._unknown_requests = 0
        self._starts = 0
        self._gaps: list[str] = []

    def take(self, event: Event) -> None:
        """Add ``event``.

        Raises:
            Exception: one of `MALFORMED`; it is not an event, or lacks a field.
        """
        name = event["event"]
        if self._is_start(name):
            self._on_start()
        if name == "request_acked":
            self._take_request(event)
        elif name == "accepted":
            self._take_acceptance(event)
        elif name == "dequeued":
            self._set(event["conn"], dequeued_ns=event["t_ns"], worker=event["worker"])
        elif not isinstance(name, str):
            raise TypeError(name)
        elif name not in OF_CONNECTIONS:
            self._events.append(event)
        self._seen[name] += 1
        self._last = event

    def _take_request(self, event: Event) -> None:
        numbers = read_request_id(event["request"])
        if numbers is None:
            self._unknown_requests += 1
            return
        self._served.frombytes(
            _served_row(
                *numbers, self._row(event["conn"]), event["worker"],
                event["received_ns"], event["started_ns"], event["finished_ns"], event["t_ns"],
            )
        )  # fmt: skip

    def _row(self, conn: str) -> int:
        """Return the row of a connection, a new one for a new id."""
        row = self._rows.setdefault((self._starts, conn), len(self._rows))
        if row * len(ACCEPTED) == len(self._accepted):
            self._accepted.extend([0] * len(ACCEPTED))
        return row

    def _take_acceptance(self, event: Event) -> None:
        """Add a connection; its worker is the one that dequeued it, else the one that accepted it.

        Two threads write, so ``dequeued`` may precede ``accepted``.
        """
        conn = event["conn"]
        self._set(conn, accepted_ns=event["t_ns"], port=_port(event["peer"]))
        if not self._accepted[self._row(conn) * len(ACCEPTED) + ACCEPTED.index("dequeued_ns")]:
            self._set(conn, worker=event["worker"])

    def _set(self, conn: str, **cells: int) -> None:
        begin = self._row(conn) * len(ACCEPTED)
        for column, cell in cells.items():
            self._accepted[begin + ACCEPTED.index(column)] = cell

    def _is_start(self, name: str) -> bool:
        """Whether an event called ``name`` begins another start."""
        if name == "started" or self._last.get("event") == "stopped":
            return True
        return name == "listening" and "listening" in self._seen

    def _on_start(self) -> None:
        """Check the counts of the previous start, if there is one."""
        if self._seen:
            self._gaps += self._missing()
            self._seen.clear()
        self._starts += 1

    def gaps(self, name: str) -> Iterator[str]:
        """Yield what is missing since each start, in the log called ``name``."""
        yield from (f"{name} {gap}" for gap in (*self._gaps, *self._missing()))

    def _missing(self) -> Iterator[str]:
        """Yield where the counts of the last line differ from the lines since the start."""
        counted = self._last.get("counts")
        if self._last.get("event") != "stopped" or not isinstance(counted, Mapping):
            yield "does not end with the event stopped"
            return
        for event in sorted({*self._seen, *counted}):
            if self._seen[event] != counted.get(event, 0):
                yield f"holds {self._seen[event]} of {counted.get(event, 0)} events {event}"

    def log(self, gaps: tuple[str, ...]) -> ServerLog:
        """Return all that was collected."""
        return ServerLog(
            events=tuple(self._events),
            served=table_of(SERVED, self._served),
            accepted=table_of(ACCEPTED, self._accepted),
            unknown_requests=self._unknown_requests,
            gaps=gaps,
        )


def _port(peer: str) -> int:
    return int(peer.rpartition(":")[2])
