"""Ports that no other test can take, though tests run beside each other."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """Hold a port of IPv4 and IPv6: a connection to it is refused, until this test listens there.

    The kernel gives a bound port to no socket that asks for any, and lets one listen on it only
    that names it and has ``SO_REUSEADDR``, as those of `socket.create_server` have; socket(7).
    """
    family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    with socket.socket(family) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        holder.bind(("", 0))
        yield holder.getsockname()[1]
