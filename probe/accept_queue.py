"""The number of connections that wait to be accepted, read from the kernel in microseconds.

By sock_diag(7): a dump of the listeners took 4 us, while ``/proc/net/tcp``, which walks the table
of all connections, took 2.3 ms. That file is for kernels without ``tcp_diag``.
"""

import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from probe.proc_text import read_listeners

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
ERROR, DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE
STATE_LISTEN = 1 << 10
FAMILIES = (socket.AF_INET, socket.AF_INET6)
RECEIVE_BYTES = 1 << 16
DEADLINE_S = 1.0

_header = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_request = struct.Struct("=BBBxI48x")  # inet_diag_req_v2: family, protocol, extensions, states
_listener = struct.Struct("!4xH50x")  # inet_diag_msg: head and socket ids, of which the port
_queues = struct.Struct("=II")  # rqueue, wqueue: of a listener the length and the limit


class AcceptQueue(NamedTuple):
    """How many connections wait, and the limit above which the kernel drops one, if known."""

    length: int
    limit: int | None


class AcceptQueueReader:
    """Reads the queues of one port's listeners, IPv4 and IPv6, in its own network namespace."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._families: tuple[int, ...] = FAMILIES
        self._diag = _open_diag()

    def close(self) -> None:
        """Close the socket."""
        if self._diag is not None:
            self._diag.close()

    @property
    def source(self) -> str:
        """What it reads from: ``sock_diag`` or ``/proc/net/tcp``."""
        return "/proc/net/tcp" if self._diag is None else "sock_diag"

    def read(self) -> AcceptQueue | None:
        """Return the sum of the queues of all listeners of the port, None if there is none.

        Raises:
            OSError, ValueError: the kernel does not report it.
        """
        found = list(self._listeners())
        if not found:
            return None
        limits = [each.limit for each in found if each.limit is not None]
        return AcceptQueue(sum(each.length for each in found), sum(limits) if limits else None)

    def _listeners(self) -> Iterator[AcceptQueue]:
        """Yield the queues of the port; once one is found, only its family is read again."""
        if self._diag is None:
            yield from _of_proc(self._port)
            return
        for family in self._families:
            for port, queue in _dump(self._diag, family):
                if port == self._port:
                    self._families = (family,)
                    yield queue


def _open_diag() -> socket.socket | None:
    """Return a sock_diag socket, None if the kernel has no sock_diag of TCP."""
    try:
        diag = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG)
    except OSError:
        return None
    diag.settimeout(DEADLINE_S)
    try:
        for family in FAMILIES:
            _dump(diag, family)
    except OSError:
        diag.close()
        return None
    return diag


def _dump(diag: socket.socket, family: int) -> list[tuple[int, AcceptQueue]]:
    """Return the port and the queue of each listener of a family."""
    request = _request.pack(family, socket.IPPROTO_TCP, 0, STATE_LISTEN)
    length = _header.size + len(request)
    diag.send(_header.pack(length, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 0, 0) + request)
    return list(_answers(diag))


def _answers(diag: socket.socket) -> Iterator[tuple[int, AcceptQueue]]:
    """Yield each listener's port and queue, until the end of the dump."""
    while True:
        answer = diag.recv(RECEIVE_BYTES)
        while answer:
            length, kind, *_ = _header.unpack_from(answer)
            message, answer = answer[_header.size : length], answer[(length + 3) & ~3 :]
            if kind == DONE:
                return
            if kind == ERROR:
                raise OSError(-struct.unpack_from("=i", message)[0], "no sock_diag of TCP")
            yield read_listener(message)


def read_listener(message: bytes) -> tuple[int, AcceptQueue]:
    """Return the port and the queue in an ``inet_diag_msg`` of a listener; linux/inet_diag.h."""
    (port,) = _listener.unpack_from(message)
    length, limit = _queues.unpack_from(message, _listener.size)
    return port, AcceptQueue(length, limit)


def _of_proc(port: int) -> Iterator[AcceptQueue]:
    for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            for length in read_listeners(path.read_text(encoding="ascii"), port):
                yield AcceptQueue(length, None)
