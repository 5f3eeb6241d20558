"""How a blocking server talks on one connection: receive, serve, acknowledge, in order."""

import time
from collections.abc import Callable

from labkit.protocol.session import End
from labkit.protocol.work import perform
from labkit.server.connection import Connection, failure
from labkit.server.events import EventLog, Served

DRAIN = End("drain")
IDLE = End("idle")
STALLED = End("drain, while the peer did not read", failed=True)
FLUSH_BEFORE_S = 0.001  # of service: then a write costs little beside it


class _EndedError(Exception):
    """The server, not the session, ends the conversation."""

    def __init__(self, end: End) -> None:
        super().__init__(end.reason)
        self.end = end


class Conversation:
    """One connection, served by the calling thread to its end.

    The socket blocks, and its calls return at least once a tick (see `labkit.server.listener`):
    then the log is written, and the drain and the idle time-out are looked at.
    """

    def __init__(
        self,
        conn: Connection,
        log: EventLog,
        is_draining: Callable[[], bool],
        idle_timeout_s: float | None,
    ) -> None:
        self._conn = conn
        self._log = log
        self._is_draining = is_draining
        self._idle_timeout_s = idle_timeout_s

    def hold(self) -> End:
        """Serve until the session, the drain or silence ends it; return why. Closes nothing."""
        try:
            return self._serve()
        except _EndedError as exc:
            return exc.end
        except OSError as exc:
            return failure(exc)

    def _serve(self) -> End:
        conn, session, log = self._conn, self._conn.session, self._log
        while True:
            draining = self._is_draining()
            request = session.next_request()
            if conn.owes and (request is None or request.demand.duration_s or draining):
                self._settle()
            if draining:
                return DRAIN
            if session.end is not None:
                return session.end
            if request is None:
                self._receive()
                continue
            log.request_started(conn.id, request)
            if request.demand.duration_s > FLUSH_BEFORE_S:
                log.flush()
            started_ns = time.monotonic_ns()
            perform(request.demand)
            conn.owe(Served(request, started_ns, time.monotonic_ns()))

    def _receive(self) -> None:
        try:
            self._conn.receive(self._log)
        except BlockingIOError:
            self._tick()
        else:
            self._log.flush_when_due()  # a peer that dribbles never lets a tick come

    def _settle(self) -> None:
        while self._conn.owes:
            try:
                self._conn.settle(self._log)
            except BlockingIOError:
                self._tick()
                if self._is_draining():
                    raise _EndedError(STALLED) from None

    def _tick(self) -> None:
        self._log.flush()
        if self._conn.is_idle(self._idle_timeout_s):
            raise _EndedError(IDLE)
