"""The work of one client, and the address of its server, resolved before the run."""

import socket
from dataclasses import dataclass

from labkit.workload.load_order import Share

SHOWN = 3
Address = tuple[str | int | bytes, ...]


@dataclass(frozen=True)
class Task:
    """A share of a load, and the resolved address of its target."""

    family: int
    address: Address
    share: Share


class UnresolvedError(Exception):
    """A host name has no address, or those of several servers."""


def resolve(host: str, port: int) -> tuple[int, Address]:
    """Return the address family and the socket address of ``host`` and ``port``.

    IPv4 comes first: the servers listen there, and ``localhost`` may resolve to ``::1`` before
    127.0.0.1.

    Raises:
        UnresolvedError: there is none, or there are several servers: connections would be spread
            over them at random.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise UnresolvedError(f"{host} has no address: {exc.strerror}") from exc
    except ValueError as exc:  # not a host name at all; UnicodeError is one
        raise UnresolvedError(f"{host[:80]!r} is no host name") from exc
    found.sort(key=lambda info: info[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    servers = sorted({str(info[4][0]) for info in found if info[0] == family})
    if len(servers) > 1:
        raise UnresolvedError(
            f"{host} is the name of {len(servers)} servers ({', '.join(servers[:SHOWN])}), and a "
            "client measures one; write the name or address of one (--target, LAB_TARGET), "
            "e.g. prefork:3000, or stop the others"
        )
    return family, address
