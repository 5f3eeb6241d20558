"""What a parent that accepts waits for: connections, signals, and notices of its processes.

It keeps its signals blocked and takes them one at a time: a descriptor of signalfd(2) lets one
poll(2) wait for all of these.
"""

import ctypes
import os
import select
import signal
from collections.abc import Collection, Iterator

from labkit.server.connection import TICK_S, Connection
from labkit.server.listener import QUEUE_IS_EMPTY
from labkit.server.service import ACCEPT_RETRY_S, Service

_SIGNAL_SET_BYTES = 128  # sigset_t of the C library


class Arrivals:
    """Blocks the signals ``awaited`` and waits for them, and for descriptors that are readable.

    ``others`` are descriptors beside the listener. Meanwhile the log of the parent is written.
    """

    def __init__(self, service: Service, awaited: Collection[int], *others: int) -> None:
        service.keep_blocked(awaited)
        self._awaited = awaited
        self._service = service
        self._log = service.log(0)
        self._listener = service.listener.fileno()
        self._descriptor = _open_signal_descriptor(awaited)
        self._without, self._with = select.poll(), select.poll()
        for poll in (self._without, self._with):
            for descriptor in (self._descriptor, *others):
                poll.register(descriptor, select.POLLIN)
        self._with.register(self._listener, select.POLLIN)
        self._ready: set[int] = set()

    def wait(self, longest_s: float | None, *, for_connections: bool) -> bool:
        """Block until something arrives; return whether a connection waits, if that is wanted.

        Gathered log lines are written within a tick, also if nothing arrives.
        """
        if self._log.has_lines and (longest_s is None or longest_s > TICK_S):
            longest_s = TICK_S
        poll = self._with if for_connections else self._without
        ready = poll.poll(None if longest_s is None else longest_s * 1e3)
        self._ready = {descriptor for descriptor, _ in ready}
        if self._ready:
            self._log.flush_when_due()
        else:
            self._log.flush()
        return self._listener in self._ready

    def accept(self) -> Connection | None:
        """Return the connection that waits, accepted; None if that fails.

        If it fails for another reason than that none waits any more, block for `ACCEPT_RETRY_S`, or
        until something else arrives: a worker that has died must not wait for its successor.
        """
        try:
            return self._service.accept(worker=0)
        except OSError as exc:
            if exc.errno != QUEUE_IS_EMPTY and self._service.refuse(exc, worker=0):
                self._without.poll(ACCEPT_RETRY_S * 1e3)
            return None

    def signals(self) -> Iterator[int]:
        """Yield each signal that has ended the wait, but for those of children that have ended."""
        if self._descriptor in self._ready:
            while received := signal.sigtimedwait(self._awaited, 0):
                if received.si_signo != signal.SIGCHLD:
                    yield received.si_signo

    def close(self) -> None:
        """Close the descriptor of the signals, which stay blocked."""
        os.close(self._descriptor)


def _open_signal_descriptor(awaited: Collection[int]) -> int:
    """Return a descriptor that is readable while one of the signals ``awaited`` is pending."""
    libc = ctypes.CDLL(None, use_errno=True)
    wanted = (ctypes.c_ubyte * _SIGNAL_SET_BYTES)()
    libc.sigemptyset(wanted)
    for signum in awaited:
        libc.sigaddset(wanted, int(signum))
    descriptor: int = libc.signalfd(-1, wanted, os.O_CLOEXEC)
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return descriptor
