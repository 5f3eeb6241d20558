"""The listening socket that every server opens the same way."""

import errno
import socket
import struct

from labkit.settings import Settings

TICK_S = 0.1
OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class ListenError(OSError):
    """The address cannot be listened on; the message says which, why, and what to set."""


def open_listener(settings: Settings) -> socket.socket:
    """Return a listening socket, from which accepted ones inherit TCP_NODELAY and time-outs.

    The time-outs, SO_RCVTIMEO and SO_SNDTIMEO of socket(7), make a blocking call return after
    `TICK_S` with `BlockingIOError`, without the poll(2) before each call that Python's own cost.

    Raises:
        ListenError: the address is taken, not ours, or not an address.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tick = struct.pack("ll", *divmod(round(TICK_S * 1e6), 1_000_000))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, tick)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, tick)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(settings.backlog)
    except OSError as exc:
        listener.close()
        raise ListenError(
            f"cannot listen on {settings.host}:{settings.port}: {exc.strerror}; "
            "choose another address with LAB_HOST and LAB_PORT"
        ) from exc
    return listener
