"""Open connections that send nothing, as a fault.

``python -m client.idle_connections HOST:PORT NUMBER SECONDS``: the connections stay in the
server's backlog until it accepts them, and with a worker until it closes them. The program prints
one line of JSON, with the number of established connections and its process id, and closes them
all when it is stopped or after ``SECONDS``.
"""

import contextlib
import json
import os
import select
import socket
import sys
import time
from collections.abc import Sequence

from client.options import parse_address
from client.task import resolve

SETTLED_S = 0.05
"""No further connection for so long: the backlog is full and SYNs are dropped (tcp(7))."""


def main(arguments: Sequence[str]) -> int:
    """Open the connections, print how many are established, and hold them."""
    target, number, seconds = arguments
    end_s = time.monotonic() + float(seconds)
    family, address = resolve(*parse_address(target))
    with contextlib.ExitStack() as opened:
        begun = [opened.enter_context(_begin(family, address)) for _ in range(int(number))]
        established = _settle(begun)
        sys.stdout.write(json.dumps({"established": established, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        time.sleep(max(end_s - time.monotonic(), 0.0))
    return 0


def _begin(family: int, address: tuple[str | int | bytes, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        sock.connect(address)
    return sock


def _settle(begun: Sequence[socket.socket]) -> int:
    """Wait until all are established or no further one is; return how many are."""
    poll = select.poll()
    for sock in begun:
        poll.register(sock, select.POLLOUT)
    established = refused = 0
    while established + refused < len(begun) and (ready := poll.poll(SETTLED_S * 1000)):
        for fd, event in ready:
            poll.unregister(fd)
            is_refused = event & (select.POLLERR | select.POLLHUP)
            established, refused = established + (not is_refused), refused + bool(is_refused)
    return established


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
