"""The event log: events with monotonic instants, one line each, on stdout.

Logging must not disturb what it measures. So JSON lines are gathered in memory and written when
the worker is about to block, when the oldest has waited 100 ms, or before they exceed 4096 bytes,
the size up to which concurrent writes to one pipe are not mixed (PIPE_BUF, pipe(7)). Text is for a
person who watches, and is written at once.

Each worker has its own `EventLog`, so no locks are needed. A signal handler may interrupt any
function here: it has a log of its own and writes whole lines.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from json import JSONEncoder
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple, TypeAlias

from labkit.protocol.framing import ETX
from labkit.protocol.session import Request
from labkit.protocol.work import Demand
from labkit.server.stream import MAX_WRITE_BYTES, Stream

EVENTS = (
    "started", "listening", "worker_started", "worker_exited", "reload_begun", "reload_ended",
    "drain_begun", "stopped", "accept_refused", "listener_closed", "accepted", "dequeued",
    "connection_closed", "connection_failed", "request_acked",
)  # fmt: skip
_LIFECYCLE = frozenset(EVENTS[:10])
LEVELS = {"lifecycle": _LIFECYCLE, "connections": frozenset(EVENTS[:14]), "trace": set(EVENTS)}
NUMBER = {event: number for number, event in enumerate(EVENTS)}

REPLACED = "reload"
"""The ``reason`` of `worker_exited` for a worker that a reload has replaced."""

CONNECTION_ENDED = "connection ended"
"""The same for a process that was forked for one connection, and has served it to its end."""

Field: TypeAlias = str | int | float | Mapping[str, int] | Mapping[str, str | int] | None
_encode = JSONEncoder(separators=(",", ":")).encode

MAX_LINE_BYTES = MAX_WRITE_BYTES - 2  # and a comma, and the line feed
MAX_DELAY_NS = 100_000_000
MAX_ID_CHARACTERS = 256
ETX_CHARACTER = ETX.decode("ascii")

_TEXT = {
    "started": "started",
    "listening": "listening on {host}:{port}",
    "worker_started": "worker {index} started, pid {worker_pid}",
    "worker_exited": "worker {index} exited: {reason}",
    "reload_begun": "reload begun; workers to replace, one at a time: {workers}",
    "reload_ended": "reload ended; workers replaced: {workers}",
    "drain_begun": "draining after {signal}; reset in the accept queue: {accept_queue_reset}",
    "listener_closed": "listener of worker {index} closed; in its accept queue: "
    "{accept_queue_reset} reset, {accept_queue_migrated} moved to other listeners",
    "stopped": "stopped: {reason}",
    "accept_refused": "cannot accept: {error}; trying again",
    "accepted": "accepted connection {conn} from {peer}",
    "dequeued": "took connection {conn} from the queue",
    "connection_closed": "closed connection {conn} after {requests} requests: {reason}",
    "connection_failed": "failed connection {conn} after {requests} requests: {reason}",
}


class Served(NamedTuple):
    """A request whose service has ended, with the instants at which it began and ended."""

    request: Request
    started_ns: int
    finished_ns: int


class EventLog:
    """The log of one worker; not to be shared between threads."""

    def __init__(self, stream: Stream, worker: int, counts: memoryview) -> None:
        self._stream = stream
        self._counts = counts
        self._wanted = LEVELS[stream.level]
        self.is_traced = "request_acked" in self._wanted
        self.is_narrated = self.is_traced and stream.as_text  # also when a service begins
        self._lines: list[str] = []  # ASCII: as many bytes as characters
        self._bytes = 0
        self._oldest_ns = 0
        self._worker = worker
        self.note_pid()

    def note_pid(self) -> None:
        """Log with the pid of the calling process from now on; getpid is too slow for each line."""
        self._pid = os.getpid()
        self._sign(self._worker)

    def _sign(self, worker: int) -> None:
        self._writer = f"worker {worker}" if worker else "main"
        model = quoted(self._stream.model)
        self._tags = f'"model":{model},"worker":{worker},"pid":{self._pid}'

    @contextmanager
    def speaking_for(self, worker: int) -> Iterator[None]:
        """Within the block, log with the number of ``worker``, which does not log by itself."""
        self._sign(worker)
        try:
            yield
        finally:
            self._sign(self._worker)

    def emit(self, event: str, **fields: Field) -> None:
        """Count ``event``, which happened now, and log it if the level includes it."""
        self._counts[NUMBER[event]] += 1
        if event not in self._wanted:
            return
        t_ns = time.monotonic_ns()
        if self._stream.as_text:
            self._write_text(t_ns, _TEXT[event].format_map(fields))
            return
        start = f'{{"t_ns":{t_ns},"event":"{event}",{self._tags}'
        more = _encode(fields)[1:]
        if len(start) + len(more) > MAX_LINE_BYTES:
            more = _encode({name: _clipped(value) for name, value in fields.items()})[1:]
        self._append(t_ns, f"{start}{'' if more == '}' else ','}{more}\n")

    def count(self, event: str) -> int:
        """Return how often this worker, restarts included, emitted ``event``."""
        return self._counts[NUMBER[event]]

    def request_started(self, conn: str, request: Request) -> None:
        """Log as text that service begins; the JSON log has the instant in `request_acked`."""
        if self.is_narrated:
            now_ns = time.monotonic_ns()
            self._write_text(now_ns, f"serving {_shown(request.id)} of {conn}: {request.demand}")

    def request_acked(self, conn: str, served: Served, acked_ns: int) -> None:
        """Log a request with all of its instants, in one line; on every server's hot path."""
        if not self.is_traced:
            return
        self._counts[-1] += 1
        request, started_ns, finished_ns = served
        if self._stream.as_text:
            took_ms = (acked_ns - request.received_ns) / 1e6
            self._write_text(
                acked_ns, f"acked {_shown(request.id)} of {conn} after {took_ms:.1f} ms"
            )
            return
        kind, duration_s, parts = request.demand
        more = f'"parts_ns":{_parts_ns(parts)},' if parts else ""
        self._append(
            acked_ns,
            f'{{"t_ns":{acked_ns},"event":"request_acked",{self._tags},'
            f'"conn":"{conn}","request":{quoted(request.id[:MAX_ID_CHARACTERS])},'
            f'"demand":"{kind}","demand_ns":{round(duration_s * 1e9)},{more}'
            f'"received_ns":{request.received_ns},"started_ns":{started_ns},'
            f'"finished_ns":{finished_ns}}}\n',
        )

    def prompt_acked(
        self, conn: str, segment: bytes, demand: Demand, instants_ns: tuple[int, int]
    ) -> None:
        """Log as JSON each request of ``segment``; ``instants_ns``: when received, when acked.

        The lines are those of `request_acked`; they differ in the id only.
        """
        received, acked_ns = str(instants_ns[0]), instants_ns[1]
        start = (
            f'{{"t_ns":{acked_ns},"event":"request_acked",{self._tags},"conn":"{conn}","request":'
        )
        more = (
            f',"demand":"{demand.kind}","demand_ns":0,"received_ns":{received},'
            f'"started_ns":{received},"finished_ns":{received}}}\n'
        )
        messages = segment.decode("ascii").split(ETX_CHARACTER)
        messages.pop()  # the empty rest after the last ETX
        for message in messages:
            words = message.split(None, 1)
            request_id = words[0][:MAX_ID_CHARACTERS] if words else ""
            self._append(acked_ns, f"{start}{quoted(request_id)}{more}")
        self._counts[-1] += len(messages)

    def flush(self) -> None:
        """Write the gathered lines; call it before the worker may block for long."""
        if self._lines:
            lines, self._lines = self._lines, []  # at once: a signal handler may flush here too
            self._bytes = 0
            self._stream.write("".join(lines).encode("ascii"))

    def flush_when_due(self) -> None:
        """Write the gathered lines if the oldest has waited for 100 ms."""
        if self._lines and time.monotonic_ns() - self._oldest_ns > MAX_DELAY_NS:
            self.flush()

    @property
    def has_lines(self) -> bool:
        """Whether gathered lines remain to be written."""
        return bool(self._lines)

    def _append(self, t_ns: int, line: str) -> None:
        if self._bytes + len(line) > MAX_WRITE_BYTES:
            self.flush()
        if not self._lines:
            self._oldest_ns = t_ns
        self._lines.append(line)
        self._bytes += len(line)
        if t_ns - self._oldest_ns > MAX_DELAY_NS:
            self.flush()

    def _write_text(self, t_ns: int, text: str) -> None:
        stream = self._stream
        line = f"{stream.clock_text(t_ns)}  {stream.model}  {self._writer}  {text}\n"
        stream.write(line.encode("ascii", "backslashreplace")[:MAX_WRITE_BYTES])


def _parts_ns(parts: tuple[Demand, ...]) -> str:
    return f"[{','.join(str(round(part.duration_s * 1e9)) for part in parts)}]"


def _clipped(value: Field) -> Field:
    return value[:MAX_ID_CHARACTERS] if isinstance(value, str) else value


def _shown(request_id: str) -> str:
    """Return the id with control characters escaped, so that none reaches a terminal."""
    return request_id[:MAX_ID_CHARACTERS].encode("unicode_escape").decode("ascii")
