"""``poll``: the loop of ``epoll`` over ``select.poll``, which is passed every descriptor each time.

Excess connections do not wait: each is accepted on the loop's next turn, and all are in service at
once. What waits is readiness, in the kernel, while the loop is busy.
One slow client delays no other, as a ``sleep`` is a timer. But each idle client makes every poll
longer: the kernel looks at all descriptors, ready or not, and so poll(2) takes O(n).
A poll counts whole milliseconds; a descriptor of timerfd_create(2) makes it end on time.
"""

import select

from labkit.server.alarm import Alarm
from labkit.server.loop import Loop
from labkit.server.program import main
from labkit.server.service import Service


def serve(service: Service) -> None:
    """Poll, handle all that is ready, then all timers that are due; until drained.

    No call blocks but the poll. What is done with a connection is the same in every loop of the
    lab: see `labkit.server.loop`.
    """
    poll, alarm = select.poll(), Alarm()
    poll.register(alarm, select.POLLIN)
    loop = Loop(service, poll, forget=poll.unregister)
    service.listening(workers=1)
    while loop.is_needed:
        alarm.set(loop.timers.wait_s())
        for fd, ready in poll.poll(loop.longest_s and loop.longest_s * 1e3):
            if fd == alarm.fileno():
                pass
            elif (conn := loop.conns.get(fd)) is None:
                _on_other(fd, poll, loop)
            elif ready == select.POLLIN:
                loop.on_readable(conn)
            elif ready == select.POLLOUT:
                loop.advance(conn)
            else:  # POLLERR, POLLHUP
                loop.on_broken(conn)
        loop.timers.fire()
        loop.log.flush_when_due()


def _on_other(fd: int, poll: select.poll, loop: Loop) -> None:
    """Handle a descriptor that is no connection's: that of a signal, or the listener."""
    if fd == loop.signals.fileno():
        loop.on_signal()
        return
    for conn in loop.accept():
        poll.register(conn.sock, select.POLLIN)


if __name__ == "__main__":
    main("poll", serve)
