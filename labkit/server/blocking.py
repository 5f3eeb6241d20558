"""How a blocking server serves one connection: receive, serve, acknowledge, in order."""

import time
from typing import Protocol

from labkit.protocol.session import End, Request
from labkit.protocol.work import perform
from labkit.server.connection import SETTLE, Connection, failure
from labkit.server.events import EventLog, Served
from labkit.server.settings import Settings

FLUSH_BEFORE_S = 0.001  # of service: the write costs little compared with it


class ServerState(Protocol):
    """The part of a `labkit.server.service.Service` that decides when a conversation ends."""

    draining: bool
    leaving: bool
    settings: Settings


def converse(conn: Connection, log: EventLog, server: ServerState) -> End:
    """Serve ``conn`` until the session, the drain or silence ends it; return why, without closing.

    The socket blocks, and its calls return at least once a tick (see `labkit.server.listener`).
    After each tick the log is written, and the drain and the idle time-out are checked. A worker
    that leaves begins no further request either, but gives a peer that does not read more time.
    """
    while True:
        step = conn.next_step(draining=server.draining or server.leaving)
        try:
            if isinstance(step, Request):
                _serve(conn, log, step)
            elif isinstance(step, End):
                return step
            elif step is SETTLE:
                conn.settle(log)
            else:
                conn.receive(log)
                log.flush_when_due()  # a peer that sends a little at a time never lets a tick pass
        except BlockingIOError:  # a tick has passed
            log.flush()
            settings = server.settings
            idle_timeout_s = settings.drain_timeout_s if server.leaving else settings.idle_timeout_s
            end = conn.silence_end(draining=server.draining, idle_timeout_s=idle_timeout_s)
            if end is not None:
                return end
        except OSError as exc:
            return failure(exc)


def _serve(conn: Connection, log: EventLog, request: Request) -> None:
    log.request_started(conn.id, request)
    if request.demand.duration_s > FLUSH_BEFORE_S:
        log.flush()
    started_ns = time.monotonic_ns()
    perform(request.demand)
    conn.owe(Served(request, started_ns, time.monotonic_ns()))
