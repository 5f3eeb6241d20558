"""A listener for each worker process at one address: SO_REUSEPORT, socket(7).

The kernel chooses the listener of a new connection by a hash of both ends' addresses and ports, so
a connection may wait for a busy worker while another worker is idle. A listener that closes takes
its accept queue with it: the kernel resets what waits there, or moves it to the listeners that are
left if ``net.ipv4.tcp_migrate_req`` is 1 (Linux 5.14, ip-sysctl.rst).

The parent holds a second descriptor of each listener. It uses them in a reload, which passes a
listener on to the next worker, in a drain, which counts what waits, and if a worker dies: it then
closes the listener, as the kernel would if the worker alone had it, and counts what that does.
"""

import socket
from pathlib import Path
from typing import NamedTuple

from labkit.server.listener import accept_queue_length, open_listener
from labkit.server.settings import Settings

_NETSTAT = Path("/proc/self/net/netstat")  # of this process's network namespace
_MIGRATED = "TCPMigrateReqSuccess"  # since Linux 5.14


class Closed(NamedTuple):
    """What the kernel did to the connections in the queue of a listener that closed."""

    reset: int
    migrated: int


class OwnListeners:
    """The listeners of the workers, by the worker's number from 1.

    ``first`` was opened for this program alone, so the address is not that of another program; from
    now on it is the first worker's.
    """

    def __init__(self, first: socket.socket, settings: Settings) -> None:
        host, port = first.getsockname()[:2]
        self._settings = settings._replace(host=host, port=port)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._listeners = {1: first}
        # Bound and not listening: it keeps the address while no worker has a listener.
        self._claim = open_listener(self._settings, shares_address=True, listens=False)

    def of(self, worker: int) -> socket.socket:
        """Return the listener of ``worker``, after opening it if there is none.

        Raises:
            OSError: no descriptor is left, or the address cannot be listened on.
        """
        if worker not in self._listeners:
            self._listeners[worker] = open_listener(self._settings, shares_address=True)
        return self._listeners[worker]

    @property
    def all(self) -> tuple[socket.socket, ...]:
        """The listeners that are open."""
        return tuple(self._listeners.values())

    def keep(self, own: socket.socket) -> None:
        """After a fork: close the descriptors of all listeners but ``own`` in this process."""
        for listener in (self._claim, *self.all):
            if listener is not own:
                listener.close()
        self._listeners = {worker: each for worker, each in self._listeners.items() if each is own}

    def release_address(self) -> None:
        """Before a drain: hold the address no more, so that one descriptor at least is free."""
        self._claim.close()

    def release(self) -> None:
        """Close all descriptors in this process; a listener that another one has listens on."""
        for sock in (self._claim, *self.all):
            sock.close()

    def close(self, worker: int) -> Closed:
        """Close the listener of ``worker``, also in a process that still has a descriptor of it.

        Connections that arrive in the microseconds before are not counted. If the kernel does not
        say how many it has moved, none counts as moved.
        """
        with self._listeners.pop(worker) as listener:
            before = _migrations()
            # Last, so that few connections can arrive between this and the shutdown.
            queued = accept_queue_length(listener)
            listener.shutdown(socket.SHUT_RDWR)
        after = _migrations()
        migrated = 0 if before is None or after is None else min(after - before, queued)
        return Closed(queued - migrated, migrated)


def _migrations() -> int | None:
    """Return how many queued connections this network namespace has moved, None if unknown."""
    try:
        names, values = _NETSTAT.read_text(encoding="ascii").splitlines()[:2]
    except (OSError, ValueError):  # no descriptor is left
        return None
    counters = dict(zip(names.split(), values.split(), strict=True))
    return int(counters[_MIGRATED]) if _MIGRATED in counters else None
