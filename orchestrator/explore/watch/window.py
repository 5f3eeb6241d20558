"""What a server has said of the last seconds: its connections and the messages that it served.

Instants are those at which its lines came, in nanoseconds of CLOCK_MONOTONIC. Memory is bounded: a
connection that has ended is kept while the window shows it, and of messages the last ones. No
clock, no lock, no drawing.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, replace

from labkit.server.events import CONNECTION_ENDED, REPLACED
from orchestrator.explore.watch.narration import Said

SPAN_NS = 30_000_000_000
MOST_SERVICES = 2_000
MOST_ENDED = 500
"""The last connections that have ended, and the last messages that were served, that are kept."""

LOST, WITH_NO_WORKER = "its worker has exited", "accepted, with no worker"


@dataclass(frozen=True)
class Service:
    """A message in service from ``begun_ns`` to ``ended_ns``, None if it still is."""

    conn: str
    worker: int
    request: str
    begun_ns: int
    ended_ns: int | None = None


@dataclass
class Connection:
    """A connection: ``conn`` is its name in the log, empty while it waits in the accept queue.

    ``port`` is the client's. ``worker`` has held it since ``held_ns``; None: no worker has yet.
    ``ending`` says how it ended at ``ended_ns``; ``acked`` counts its messages.
    """

    conn: str
    port: int
    came_ns: int
    accepted_ns: int | None = None
    worker: int | None = None
    held_ns: int | None = None
    ended_ns: int | None = None
    ending: str = ""
    acked: int = 0
    service: Service | None = None

    @property
    def state(self) -> str:
        """What it does or waits for, in words."""
        if self.ended_ns is not None:
            return f"ended: {self.ending}"
        if self.service is not None:
            return f"in service: {self.service.request}"
        if self.accepted_ns is None:
            return "waits to be accepted"
        return WITH_NO_WORKER if self.worker is None else "no message in service"


@dataclass(frozen=True)
class View:
    """The window that ends at ``now_ns``; ``connections`` are in the order in which they came.

    ``accepted`` and ``acked`` count since the start of the server. ``is_cut``: it served more
    messages, or had more connections, than are kept.
    """

    now_ns: int
    connections: tuple[Connection, ...]
    services: tuple[Service, ...]
    workers: tuple[int, ...]
    accepted: int
    acked: int
    is_cut: bool

    @property
    def begin_ns(self) -> int:
        """When it begins."""
        return self.now_ns - SPAN_NS

    @property
    def open(self) -> list[Connection]:
        """The connections that have not ended, with those that wait to be accepted."""
        return [each for each in self.connections if each.ended_ns is None]


class Window:
    """Takes one event after another, and returns what to draw."""

    def __init__(self) -> None:
        self._open: dict[str, Connection] = {}
        self._ended = deque[Connection]()
        self._services = deque[Service]()
        self._waiting: dict[int, int] = {}
        self._workers: dict[int, int] = {}
        self._pool: set[int] = set()
        self._cut_ns = -SPAN_NS
        self._accepted = self._acked = 0

    def take(self, said: Said, now_ns: int) -> None:
        """Note an event that was read at ``now_ns``."""
        if said.worker:
            self._workers[said.worker] = now_ns
        if said.event == "accepted":
            self._accept(said, now_ns)
        elif said.event == "worker_started":
            self._pool.add(said.about)
        elif said.event == "worker_exited":
            self._lose(said, now_ns)
        elif (conn := self._open.get(said.conn)) is not None:
            self._take_of(conn, said, now_ns)

    def note_waiting(self, ports: Collection[int], now_ns: int) -> None:
        """Note which clients, by port, wait in the accept queue at ``now_ns``."""
        accepted = {each.port for each in self._open.values()}
        waits = sorted({*ports} - accepted, key=lambda port: self._waiting.get(port, now_ns))
        self._waiting = {port: self._waiting.get(port, now_ns) for port in waits}

    def view(self, now_ns: int) -> View:
        """Return the window that ends at ``now_ns``, and forget what is older."""
        self._forget(now_ns - SPAN_NS)
        waiting = [Connection("", port, came_ns) for port, came_ns in self._waiting.items()]
        copies = [replace(each) for each in (*self._ended, *self._open.values())]
        running = [each.service for each in self._open.values() if each.service is not None]
        return View(
            now_ns=now_ns,
            connections=tuple(sorted([*copies, *waiting], key=lambda each: each.came_ns)),
            services=(*self._services, *running),
            workers=tuple(sorted({*self._pool, *self._holding(), *self._workers})),
            accepted=self._accepted,
            acked=self._acked,
            is_cut=self._cut_ns > now_ns - SPAN_NS,
        )

    def _accept(self, said: Said, now_ns: int) -> None:
        self._accepted += 1
        came_ns = self._waiting.pop(said.port, now_ns)
        conn = Connection(said.conn, said.port, came_ns, accepted_ns=now_ns)
        if said.worker:
            conn.worker, conn.held_ns = said.worker, now_ns
        if said.conn in self._open:
            self._end(self._open[said.conn], LOST, now_ns)
        self._open[said.conn] = conn

    def _take_of(self, conn: Connection, said: Said, now_ns: int) -> None:
        """Note an event of a connection that is open."""
        if said.event == "dequeued":
            conn.worker, conn.held_ns = said.worker, now_ns
        elif said.event == "request_started":
            self._finish(conn, now_ns)
            conn.service = Service(conn.conn, said.worker, said.request, now_ns)
        elif said.event == "request_acked":
            self._acked += 1
            conn.acked += 1
            if conn.service is not None and conn.service.request == said.request:
                self._finish(conn, now_ns)
        else:
            self._end(conn, said.reason, now_ns)

    def _finish(self, conn: Connection, now_ns: int) -> None:
        """End the service of ``conn``, if a message is in service."""
        if conn.service is not None:
            self._services.append(replace(conn.service, ended_ns=now_ns))
            conn.service = None
        while len(self._services) > MOST_SERVICES:
            self._cut_ns = self._services.popleft().ended_ns or now_ns

    def _end(self, conn: Connection, ending: str, now_ns: int) -> None:
        self._finish(conn, now_ns)
        conn.ended_ns, conn.ending = now_ns, ending
        self._ended.append(self._open.pop(conn.conn))
        while len(self._ended) > MOST_ENDED:
            self._cut_ns = self._ended.popleft().ended_ns or now_ns

    def _lose(self, said: Said, now_ns: int) -> None:
        """Note that a worker has exited; unless it passed its connection on, that is lost."""
        self._pool.discard(said.about)
        self._workers[said.about] = now_ns
        if said.reason in (REPLACED, CONNECTION_ENDED):
            return
        for conn in [each for each in self._open.values() if each.worker == said.about]:
            self._end(conn, LOST, now_ns)

    def _holding(self) -> set[int]:
        """Return the workers that hold a connection."""
        return {each.worker for each in self._open.values() if each.worker is not None}

    def _forget(self, before_ns: int) -> None:
        while self._ended and (self._ended[0].ended_ns or 0) < before_ns:
            self._ended.popleft()
        while self._services and (self._services[0].ended_ns or 0) < before_ns:
            self._services.popleft()
        self._workers = {each: at_ns for each, at_ns in self._workers.items() if at_ns >= before_ns}
