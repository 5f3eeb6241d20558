"""Names into addresses, before a run, so that no lookup falls into it."""

import socket

Address = tuple[str | int | bytes, ...]


class UnresolvedError(Exception):
    """A host name stands for no address."""


def resolve(host: str, port: int) -> tuple[int, Address]:
    """Return the address family and socket address of ``host`` and ``port``.

    Raises:
        UnresolvedError: there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise UnresolvedError(f"{host} has no address: {exc}") from exc
    family, _, _, _, address = found[0]
    return family, address
