"""Reads the server's event log, and checks that it is complete.

Events of requests and connections become rows of tables, since there may be millions; other events
are kept as they are. Events are not joined or judged here.
"""

import struct
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from labkit.server.events import EVENTS
from labkit.wire.samples import read_request_id
from orchestrator.results.event_schema import (
    MOST_NAMES,
    MOST_NS,
    MOST_WORKERS,
    EventError,
    checked,
)
from orchestrator.results.strict_json import read_lines, read_object
from orchestrator.results.tables import Table, table_of

Event: TypeAlias = Mapping[str, Any]
SHOWN_BYTES = 80
MOST_LOG_BYTES = 2**32  # the log of 10 million messages has half of that
MOST_EVENTS = 100_000  # that belong to no connection
SHOWN_GAPS = 20
BEGINNINGS = frozenset({"started", "listening", "worker_started"})
OF_CONNECTIONS = frozenset({"connection_closed", "connection_failed"})
OF_WORKERS = frozenset({*EVENTS[EVENTS.index("accept_refused") :]})
"""Events that a worker process logs, and takes with it if it is killed."""

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

SERVED_ROW = np.dtype(
    [
        ("replica", "=u2"), ("user", "=u4"), ("message", "=u4"), ("conn", "=u4"), ("worker", "=u2"),
        ("received_ns", "=u8"), ("started_ns", "=u8"), ("finished_ns", "=u8"), ("acked_ns", "=u8"),
    ]
)  # fmt: skip
"""A row of `SERVED` in two thirds of the memory, once its cells are known to be in their bounds."""

_served_row = struct.Struct(f"={len(SERVED)}Q").pack


class GapKind(Enum):
    """What is missing: lines of any kind, the end of a start, lines of a worker process."""

    LINES = 0
    END = 1
    OF_WORKERS = 2


class Gap(NamedTuple):
    """Something that a log lacks, as a sentence."""

    text: str
    kind: GapKind = GapKind.LINES


@dataclass(frozen=True)
class ServerLog:
    """What the server logged, in the order written; ``found`` are the gaps.

    ``events`` are those that belong to no request or connection; ``unknown_requests`` counts the
    acknowledged requests whose id is not one of a replica. ``is_event_log``: it has at least one
    ``listening``, or an event of a connection; a target may log anything else.
    """

    events: tuple[Event, ...]
    served: Table
    accepted: Table
    unknown_requests: int
    found: tuple[Gap, ...] = ()
    is_event_log: bool = True

    @property
    def gaps(self) -> tuple[str, ...]:
        """All gaps as sentences."""
        return tuple(gap.text for gap in self.found)

    def gaps_besides(self, kills: int, *, is_worker_killed: bool) -> list[str]:
        """Return the gaps that faults do not explain.

        A kill of the server explains one start without an end, one of a worker the lines that the
        worker had not written. None explains lost lines of any other kind, such as the first.
        """
        ends = [gap for gap in self.found if gap.kind is GapKind.END]
        explained = {*ends} if len(ends) <= kills else set()
        if is_worker_killed:
            explained |= {gap for gap in self.found if gap.kind is GapKind.OF_WORKERS}
        return [gap.text for gap in self.found if gap not in explained]

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
    gaps = _BadLines(path.name)
    for number, line in read_lines(path, MOST_LOG_BYTES):
        try:
            reader.take_line(line)
        except MALFORMED as exc:
            gaps.add(number, line, exc)
    return reader.log((*gaps.found, *reader.gaps(path.name)))


def log_of(events: Iterable[Event], *gaps: str) -> ServerLog:
    """Return the log that consists of ``events``."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.log([Gap(text) for text in gaps])


class _BadLines:
    """The lines of the log ``name`` that are not events: the first ones, and how many more."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._gaps: list[Gap] = []
        self._more = 0

    def add(self, number: int, line: bytes, error: Exception) -> None:
        if len(self._gaps) == SHOWN_GAPS:
            self._more += 1
            return
        why = f" ({error})" if isinstance(error, EventError) else ""
        shown = f"{line[:SHOWN_BYTES].strip()!r}"
        self._gaps.append(Gap(f"{self._name}:{number} is not an event{why}: {shown}"))

    @property
    def found(self) -> list[Gap]:
        more = Gap(f"{self._name}: further lines that are not events: {self._more}")
        return [*self._gaps, *([more] if self._more else [])]


class _Reader:
    """Collects one event after another."""

    def __init__(self) -> None:
        self._seen = Counter[str]()
        self._first = ""
        self._last: Event = {"event": ""}
        self._events: list[Event] = []
        self._served = array("Q")
        self._accepted = array("Q")
        self._rows: dict[str, int] = {}  # of ``accepted``, by connection, of the current start
        self._unknown_requests = 0
        self._is_event_log = False
        self._gaps: list[Gap] = []

    def take_line(self, line: bytes) -> None:
        """Add the event of ``line``. Raises as `take` does."""
        if not line.startswith(b"{"):
            raise ValueError("not an object")
        self.take(read_object(line))

    def take(self, event: Event) -> None:
        """Add ``event``.

        Raises:
            Exception: one of `MALFORMED`; it is not an event, or lacks a field.
        """
        name = event["event"]
        if name == "request_acked":
            self._begin_if_stopped()
            self._take_request(event)
        elif name == "accepted":
            self._begin_if_stopped()
            self._take_acceptance(event)
        elif name == "dequeued":
            self._begin_if_stopped()
            self._set(event["conn"], dequeued_ns=event["t_ns"], worker=event["worker"])
        elif name in OF_CONNECTIONS:
            self._begin_if_stopped()
        else:
            event = self._take_lifecycle(event)
        self._first = self._first or name
        self._seen[name] += 1
        self._last = event

    def _take_lifecycle(self, event: Event) -> Event:
        """Keep an event that belongs to no connection; return what is kept of it."""
        if event["event"] == "listening":
            self._is_event_log = True
        kept = checked(event)
        name = kept["event"]
        if name not in EVENTS and name not in self._seen and len(self._seen) > MOST_NAMES:
            raise EventError("too many names of events that are not the lab's")
        if self._is_start(name):
            self._end_start()
        if len(self._events) >= MOST_EVENTS:
            raise EventError(f"more than {MOST_EVENTS} events of the server itself")
        self._events.append(kept)
        return kept

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
        row = self._rows.get(conn)
        if row is None:
            if type(conn) is not str:
                raise EventError("conn is not a text")
            row = self._rows[conn] = len(self._accepted) // len(ACCEPTED)
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
        if name == "started" or self._last["event"] == "stopped":
            return True
        return name == "listening" and "listening" in self._seen

    def _begin_if_stopped(self) -> None:
        """Begin another start if the previous one has ended; then its first lines are missing."""
        if self._last["event"] == "stopped":
            self._end_start()

    def _end_start(self) -> None:
        """Check the counts of the previous start, if there is one."""
        if self._seen:
            self._gaps += self._missing()
            self._seen.clear()
        self._first = ""
        self._rows = {}

    def gaps(self, name: str) -> Iterator[Gap]:
        """Yield what is missing since each start, in the log called ``name``."""
        for text, kind in (*self._gaps, *self._missing()):
            yield Gap(f"{name} {text}", kind)

    def _missing(self) -> Iterator[Gap]:
        """Yield what is missing at the beginning, at the end, or by the counts of the last line."""
        if not self._seen:
            yield Gap("is empty")
            return
        has_work = not self._seen.keys().isdisjoint(OF_WORKERS)
        if self._first not in BEGINNINGS or (has_work and not self._seen["listening"]):
            yield Gap("does not begin with the events started and listening: first lines are lost")
        counted = self._last.get("counts")
        if self._last["event"] != "stopped" or counted is None:
            yield Gap("does not end with the event stopped", GapKind.END)
            return
        for event in sorted({*self._seen, *counted}):
            seen, count = self._seen[event], counted.get(event, 0)
            if seen != count:
                is_lost = seen < count and event in OF_WORKERS
                kind = GapKind.OF_WORKERS if is_lost else GapKind.LINES
                yield Gap(f"holds {seen} of {count} events {event}", kind)

    def log(self, gaps: Iterable[Gap]) -> ServerLog:
        """Return all that was collected."""
        served, accepted = table_of(SERVED, self._served), table_of(ACCEPTED, self._accepted)
        wrong_served, wrong_accepted = _out_of_bounds(served), _out_of_bounds(accepted)
        if wrong := int(np.count_nonzero(wrong_served) + np.count_nonzero(wrong_accepted)):
            gaps = (*gaps, Gap(f"{wrong} events have an instant, a worker or a port out of bounds"))
            served = served[~wrong_served]
            accepted = np.where(wrong_accepted, np.zeros(1, accepted.dtype), accepted)
        return ServerLog(
            events=tuple(self._events),
            served=served.astype(SERVED_ROW),
            accepted=accepted,
            unknown_requests=self._unknown_requests,
            found=tuple(gaps),
            is_event_log=self._is_event_log or len(served) + len(accepted) > 0,
        )


def _out_of_bounds(table: Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each row whether a cell cannot be what its column says."""
    wrong = np.zeros(len(table), dtype=bool)
    for column in table.dtype.names or ():
        wrong |= table[column] > _MOST.get(column, MOST_NS)
    return wrong


_MOST = {"worker": MOST_WORKERS, "port": 65_535, "replica": 65_535}


def _port(peer: str) -> int:
    return int(peer.rpartition(":")[2])
