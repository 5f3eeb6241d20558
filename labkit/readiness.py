"""Waiting in an event loop: a poll that ends on time, and signals that end it. Linux only.

Used by event loops of servers and by that of the client, beside `labkit.timers`.
"""

import select
import signal
import socket
from typing import ClassVar

_RECV_BYTES = 4096


def poll(
    epoll: select.epoll, longest_s: float | None, timer_s: float | None
) -> list[tuple[int, int]]:
    """Return the descriptors that are ready, each with its events.

    Waits ``longest_s`` at most, and ``timer_s`` at most, which is the time until the next timer;
    None is no limit. The wait for a timer is exact to the microsecond: epoll_wait(2) counts whole
    milliseconds and would return late, so select(2) waits on the epoll descriptor instead.
    """
    if timer_s is None or (longest_s is not None and timer_s >= longest_s):
        return epoll.poll(longest_s)
    if timer_s and not select.select((epoll,), (), (), timer_s)[0]:
        return []
    return epoll.poll(0)


class SignalPipe:
    """A descriptor that becomes readable when a signal arrives: the self-pipe trick.

    PEP 475 restarts an interrupted poll, so the flag that a signal handler sets does not end it; a
    readable descriptor does. Only signals with a handler in Python count. For the main thread, and
    one at a time; `close` restores the wakeup descriptor that was set before.

    Until then the pipe stays open, also if its event loop is gone: CPython writes a traceback to
    stderr at each signal that finds its wakeup descriptor closed.
    """

    _open: ClassVar[set["SignalPipe"]] = set()

    def __init__(self) -> None:
        self._incoming, self._outgoing = socket.socketpair()
        self._incoming.setblocking(False)
        self._outgoing.setblocking(False)
        self._previous_fd = signal.set_wakeup_fd(
            self._outgoing.fileno(), warn_on_full_buffer=False
        )  # if the buffer is full, the descriptor is readable already
        self._open.add(self)

    def __enter__(self) -> "SignalPipe":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor to register for reading."""
        return self._incoming.fileno()

    def clear(self) -> None:
        """Make the descriptor unreadable until the next signal."""
        try:
            while self._incoming.recv(_RECV_BYTES):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Restore the previous wakeup descriptor and close both ends."""
        signal.set_wakeup_fd(self._previous_fd)
        self._open.discard(self)
        self._incoming.close()
        self._outgoing.close()
