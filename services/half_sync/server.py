"""``half_sync``: an event loop for I/O, and a pool of LAB_WORKERS threads for the work of messages.

Excess connections do not wait: the loop accepts and reads them all. A message with work waits for a
worker, in a queue of the server; one without any is acknowledged by the loop.
One slow client occupies a worker during its messages only, an idle one never. A demand blocks a
thread and not the loop: this model alone shows the blocking call cured, and what two wakes cost.
"""

import select

from labkit.protocol.session import Request
from labkit.readiness import poll
from labkit.server.connection import Connection
from labkit.server.loop import NO_TIMER, Loop
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.threads import start_pool
from labkit.server.work_queue import DEFECT, WorkQueue


def serve(service: Service) -> None:
    """Run the loop in this thread, and the work of messages in those of the pool; until drained."""
    epoll = select.epoll()
    loop = HalfSync(service, epoll)
    start_pool(service, loop.queue.work)
    service.listening(service.settings.workers)
    while loop.is_needed:
        for fd, ready in poll(epoll, loop.longest_s, loop.timers.wait_s()):
            if (conn := loop.conns.get(fd)) is None:
                _on_other(fd, epoll, loop)
            elif ready == select.EPOLLIN:
                loop.on_readable(conn)
            elif ready == select.EPOLLOUT:
                loop.advance(conn)
            else:  # EPOLLERR, EPOLLHUP
                loop.on_broken(conn)
        loop.timers.fire()
        loop.log.flush_when_due()


def _on_other(fd: int, epoll: select.epoll, loop: "HalfSync") -> None:
    """Handle a descriptor that is no connection's: of a signal, of the pool, or the listener."""
    if fd == loop.signals.fileno():
        loop.on_signal()
    elif fd == loop.queue.fileno():  # not yet: a descriptor closed here may be in this batch
        loop.timers.after(0, loop.on_done)
    else:
        for conn in loop.accept():
            epoll.register(conn.sock, select.EPOLLIN)


class HalfSync(Loop):
    """A loop whose messages are served elsewhere: by the workers of its ``queue``."""

    def __init__(self, service: Service, epoll: select.epoll) -> None:
        super().__init__(service, epoll, worker=0)
        self.queue = WorkQueue(service)
        epoll.register(self.queue, select.EPOLLIN)

    def begin(self, conn: Connection, request: Request) -> None:
        """Let ``request`` wait for a worker; ``conn`` is not read until it is served."""
        if request.demand.duration_s:
            self.in_service[conn] = NO_TIMER
            self.queue.put(conn, request)
        else:
            super().begin(conn, request)

    def on_done(self) -> None:
        """Acknowledge what the workers have served, and go on with these connections."""
        for conn, worker, served in self.queue.done():
            if conn in self.in_service and served is not None:
                conn.owe(served)
                with self.log.speaking_for(worker):
                    self._settle(conn)
            elif conn in self.in_service:
                self._close(conn, DEFECT)
            if conn in self.in_service:  # its peer has not left
                self.resume(conn)

    def on_signal(self) -> None:
        """Begin the drain: what waits for a worker is not served, unless its client expects it."""
        for conn, request in self.queue.take_back():
            if self.in_service.pop(conn, None) and conn.active_ns > request.received_ns:
                conn.session.put_back(request)  # the ack before it was sent meanwhile
        super().on_signal()


if __name__ == "__main__":
    main("half_sync", serve)
