"""``select``: the loop of ``epoll`` over ``select.select``, which knows descriptors below 1,024.

Excess connections do not wait while a descriptor is left: each is accepted on the loop's next turn.
From the wall on they wait in the kernel's accept queue; each attempt logs ``accept_refused`` with
the error FD_SETSIZE, and one is accepted when another ends. `ulimit -n` does not move the wall.
One slow client delays no other, as a ``sleep`` is a timer. But each idle client makes every poll
longer: select(2) is passed two sets with all descriptors, and looks at each.
"""

import select

from labkit.server.loop import READ, WRITE, Loop
from labkit.server.program import main
from labkit.server.service import Service

FD_SETSIZE = 1024  # of the C library: a set has a bit for each descriptor below it, select(2)


def serve(service: Service) -> None:
    """Poll, handle all that is ready, then all timers that are due; until drained.

    No call blocks but the poll. What is done with a connection is the same in every loop of the
    lab: see `labkit.server.loop`.
    """
    service.limit_descriptors(FD_SETSIZE, "FD_SETSIZE")
    sets = Sets()
    loop = Loop(service, sets, forget=sets.unregister)
    service.listening(workers=1)
    while loop.is_needed:
        readable, writable, _ = select.select(sets.readable, sets.writable, (), loop.wait_s)
        for fd in writable:
            if (conn := loop.conns.get(fd)) is not None:
                loop.advance(conn)
        for fd in readable:  # also if the peer has reset it: then reading fails
            if (conn := loop.conns.get(fd)) is None:
                _on_other(fd, sets, loop)
            else:
                loop.on_readable(conn)
        loop.timers.fire()
        loop.log.flush_when_due()


class Sets:
    """The descriptors to wait for: select(2) remembers none, so each call is passed all of them.

    A reset in service looks like bytes, which are not read before the end of the service.
    """

    def __init__(self) -> None:
        self.readable: set[int] = set()
        self.writable: set[int] = set()

    def register(self, fd: int, events: int) -> None:
        """Wait for ``events`` of ``fd``: `READ`, `WRITE` or nothing."""
        (self.readable.add if events == READ else self.readable.discard)(fd)
        (self.writable.add if events == WRITE else self.writable.discard)(fd)

    modify = register

    def unregister(self, fd: int) -> None:
        """Wait for ``fd`` no longer."""
        self.register(fd, 0)


def _on_other(fd: int, sets: Sets, loop: Loop) -> None:
    """Handle a descriptor that is no connection's: that of a signal, or the listener."""
    if fd == loop.signals.fileno():
        loop.on_signal()
        return
    for conn in loop.accept():
        sets.register(conn.sock.fileno(), READ)


if __name__ == "__main__":
    main("select", serve)
