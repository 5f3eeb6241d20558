"""``prefork_epoll``: worker processes, each with an event loop over the shared listener, as nginx.

Excess connections do not wait: a loop that is free accepts each, and it stays in this loop. Which
loop that is, LAB_ACCEPT says. ``shared`` wakes all that wait, and the quickest accepts;
``exclusive`` (EPOLLEXCLUSIVE) wakes one, the first to watch the listener of those that wait; with
``reuseport`` each has a listener of its own, and a hash chooses, also a loop that is busy.
One slow client delays no other: a ``sleep`` is a timer. A ``cpu`` demand blocks one loop and its
clients, while other loops may be idle: this model alone shows what an uneven share costs.
"""

import select

from labkit.readiness import poll
from labkit.server.pool import run_pool
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.settings import Choice
from labkit.server.worker_loop import WorkerLoop

ACCEPT = Choice("accept", ("shared", "exclusive", "reuseport"))
SETTINGS = (ACCEPT,)


def serve(service: Service) -> None:
    """Run the pool of worker processes until the last has drained."""
    if ACCEPT.of(service.settings) == "reuseport":
        service.split_listener()
    run_pool(service, _work)


def _work(service: Service, worker: int) -> None:
    """Poll, handle all that is ready, then all timers that are due; until this worker drains.

    Or until it leaves: its connections pass on to other workers.
    """
    is_exclusive = ACCEPT.of(service.settings) == "exclusive"
    epoll = select.epoll()
    loop = WorkerLoop(service, epoll, worker, select.EPOLLEXCLUSIVE if is_exclusive else 0)
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


def _on_other(fd: int, epoll: select.epoll, loop: WorkerLoop) -> None:
    """Handle a descriptor that is no connection's: signals, the listener, or a worker leaves."""
    if fd == loop.signals.fileno():
        loop.on_signal()
        return
    for conn in loop.take() if fd == loop.handover_fd else loop.accept():
        epoll.register(conn.sock, select.EPOLLIN)


if __name__ == "__main__":
    main("prefork_epoll", serve, SETTINGS)
