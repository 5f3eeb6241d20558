"""Open connections that send nothing, as a fault.

``python -m client.idle_connections HOST:PORT NUMBER BEGIN_NS SECONDS``: the connections are opened
at the instant ``BEGIN_NS`` of CLOCK_MONOTONIC, or, if it is ``line``, when a line comes on standard
input. They stay in the server's backlog until it accepts
them, and with a worker until it closes them. The program prints one line of JSON with its process
id at once, and one when no further connection is established: how many are, how many were refused,
and the instant of the last one. It closes them all when it is stopped or after ``SECONDS``.
"""

import contextlib
import json
import os
import select
import socket
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from client.options import parse_address
from client.task import resolve

SETTLED_S = 0.05
"""No further connection for so long: the backlog is full and SYNs are dropped (tcp(7))."""


ON_LINE = "line"
NS_PER_S = 1_000_000_000


class Settled(NamedTuple):
    """How many connections are established, how many were refused, and when the last one was."""

    established: int
    refused: int
    t_ns: int


def main(arguments: Sequence[str]) -> int:
    """Open the connections when they are due, print what became of them, and hold them."""
    target, number, begin, seconds = arguments
    family, address = resolve(*parse_address(target))
    _print(pid=os.getpid())
    if begin == ON_LINE:
        sys.stdin.readline()
    else:
        _sleep_until(int(begin))
    with contextlib.ExitStack() as opened:
        begun = [opened.enter_context(_begin(family, address)) for _ in range(int(number))]
        settled = _settle(begun)
        _print(**settled._asdict())
        _sleep_until(settled.t_ns + round(float(seconds) * NS_PER_S))
    return 0


def _print(**fields: int) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _sleep_until(instant_ns: int) -> None:
    time.sleep(max(instant_ns - time.monotonic_ns(), 0) / NS_PER_S)


def _begin(family: int, address: tuple[str | int | bytes, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        sock.connect(address)
    return sock


def _settle(begun: Sequence[socket.socket]) -> Settled:
    """Wait until all are established or no further one is."""
    poll = select.poll()
    for sock in begun:
        poll.register(sock, select.POLLOUT)
    established = refused = 0
    last_ns = time.monotonic_ns()
    while established + refused < len(begun) and (ready := poll.poll(SETTLED_S * 1000)):
        last_ns = time.monotonic_ns()
        for fd, event in ready:
            poll.unregister(fd)
            is_refused = event & (select.POLLERR | select.POLLHUP)
            established, refused = established + (not is_refused), refused + bool(is_refused)
    return Settled(established, refused, last_ns)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
