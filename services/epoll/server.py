"""``epoll``: one thread, non-blocking sockets, one event loop over ``select.epoll``.

Excess connections do not wait: each is accepted on the loop's next turn, and all are in service at
once. What waits is readiness, in the kernel, while the loop is busy.
One slow client delays no other: a ``sleep`` is a timer. A ``cpu`` demand blocks the loop and so
every client, as it must; LAB_BLOCKING_SLEEP=1 makes ``sleep`` block it too, the classic mistake.
The kernel keeps the set of descriptors and reports only those that are ready, so an idle connection
costs memory and no time.
"""

import select

from labkit.readiness import poll
from labkit.server.loop import Loop
from labkit.server.program import main
from labkit.server.service import Service


def serve(service: Service) -> None:
    """Poll, handle all that is ready, then all timers that are due; until drained.

    No call blocks but the poll. What is done with a connection is the same in every loop of the
    lab: see `labkit.server.loop`.
    """
    epoll = select.epoll()
    loop = Loop(service, epoll)
    service.listening(workers=1)
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


def _on_other(fd: int, epoll: select.epoll, loop: Loop) -> None:
    """Handle a descriptor that is no connection's: that of a signal, or the listener."""
    if fd == loop.signals.fileno():
        loop.on_signal()
        return
    for conn in loop.accept():
        epoll.register(conn.sock, select.EPOLLIN)


if __name__ == "__main__":
    main("epoll", serve)
