"""The listening socket: open it, accept from it, and close it for a drain."""

import contextlib
import errno
import socket
import struct

from labkit.server.connection import TICK_S, reset_on_close
from labkit.server.settings import Settings

IPV4_PARTS = 2  # of an address: host and port
_TCP_INFO_HEAD = struct.Struct("8x5I")  # linux/tcp.h: 8 small fields, rto … unacked
QUEUE_IS_EMPTY = errno.EAGAIN
LISTENER_IS_BROKEN = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT})
"""Errors of the listener itself. All others pass: accept(2) also reports a lack of resources, a
firewall, and errors of the network and of the new connection (so EOPNOTSUPP, as it listens)."""


class ListenError(OSError):
    """Cannot listen on the address; the message names it, the cause and the variables to set."""


def open_listener(
    settings: Settings, *, shares_address: bool = False, listens: bool = True
) -> socket.socket:
    """Return a listening socket; accepted sockets inherit its TCP_NODELAY and time-outs.

    ``shares_address``: with other sockets that do, too (SO_REUSEPORT). Without ``listens`` it only
    holds the address.

    With the time-outs, SO_RCVTIMEO and SO_SNDTIMEO of socket(7), a blocking call raises
    `BlockingIOError` after `TICK_S`. Python's own time-outs cost a poll(2) before each call.

    Raises:
        ListenError: the address is in use, belongs to another host, or is not an address.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tick = struct.pack("ll", *divmod(round(TICK_S * 1e6), 1_000_000))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, tick)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, tick)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shares_address)
    try:
        listener.bind((settings.host, settings.port))
        if listens:
            listener.listen(settings.backlog)
    except (OSError, TypeError) as exc:  # TypeError: the host is not a valid DNS name
        listener.close()
        why = exc.strerror if isinstance(exc, OSError) else "not an address"
        raise ListenError(
            f"cannot listen on {settings.host}:{settings.port}: {why}; "
            "choose another address with LAB_HOST and LAB_PORT"
        ) from exc
    return listener


def accept(listener: socket.socket) -> tuple[socket.socket, str]:
    """Take the oldest connection of the accept queue; return it and its peer's address.

    Raises:
        OSError: with the errno `QUEUE_IS_EMPTY`, one of `LISTENER_IS_BROKEN`, or another, after
            which to try again.
    """
    # As socket.accept, without its two enum look-ups, which take 2% of a short connection.
    descriptor, address = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001
    family = socket.AF_INET if len(address) == IPV4_PARTS else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM, fileno=descriptor)
    return sock, f"{address[0]}:{address[1]}"


def stop_listening(*listeners: socket.socket) -> int:
    """Refuse new connections; reset those in the accept queues and return how many these are.

    For every process that shares a listener at once: their ``accept`` fails with EINVAL. If no
    descriptor is left to accept a connection with, the kernel resets it. It also resets a
    connection that arrives between the last count and the shutdown, which is not counted. There is
    at most one for each listener, however long this process waits for a CPU or the interpreter lock
    in between: with a backlog of 0 the kernel queues one, and drops further SYNs.
    """
    queued = 0
    for listener in listeners:  # a client that is reset may connect to the next one at once
        with contextlib.suppress(OSError):  # it is broken
            if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listener.listen(0)
        queued += _reset_queue(listener)
        with contextlib.suppress(OSError):  # it is broken, or shut down already
            listener.shutdown(socket.SHUT_RDWR)
    return queued


def _reset_queue(listener: socket.socket) -> int:
    """Reset the connections in the queue; return their number, with those left to the kernel."""
    queued = 0
    with contextlib.suppress(OSError):  # the listener is broken
        listener.setblocking(False)
        with contextlib.suppress(OSError):  # the queue is empty, or no descriptor is left
            while True:
                sock, _ = listener.accept()
                queued += 1
                reset_on_close(sock)
                sock.close()
        queued += accept_queue_length(listener)
    return queued


def accept_queue_length(listener: socket.socket) -> int:
    """Return tcpi_unacked of TCP_INFO, tcp(7): for a listener, the length of its accept queue."""
    tcp_info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_HEAD.size)
    length: int = _TCP_INFO_HEAD.unpack(tcp_info)[-1]
    return length
