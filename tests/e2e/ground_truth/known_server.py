"""``known_server.py BEHAVIOUR PORT``: a server whose figures are known beforehand.

It speaks the lab's protocol as far as a polite client needs it, with one thread for each
connection, and acknowledges a message 20 ms after it was received, with known exceptions. It
ignores the demand of a message. It shares no code with the lab.
"""

import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

SERVICE_S = 0.020
LATE_S = 0.300
EVERY, DROPPED, DOUBLED, DELAYED = 100, 24, 49, 74
FREEZE_EVERY_S, FREEZE_S = 1.0, 0.3
SWITCHES = 8
DEAF_S = 0.5
COUNTERS = ("ListenOverflows", "ListenDrops", "RetransSegs")
ETX = b"\x03"
MESSAGE = re.compile(rb"r[0-9]+\.c[0-9]+\.m([0-9]+)")
begun_s = time.monotonic()


def serve_with_faults(number: int) -> bytes:
    """Of every hundred messages drop one ack, send one twice, and one 300 ms late."""
    if number % EVERY == DELAYED:
        time.sleep(LATE_S)
    time.sleep(SERVICE_S)
    return {DROPPED: b"", DOUBLED: b"ackack"}.get(number % EVERY, b"ack")


def freeze(_number: int) -> bytes:
    """Acknowledge nothing in the first 300 ms of each second."""
    time.sleep(SERVICE_S)
    into_s = (time.monotonic() - begun_s) % FREEZE_EVERY_S
    time.sleep(max(FREEZE_S - into_s, 0.0))
    return b"ack"


def acknowledge_at_once(_number: int) -> bytes:
    """Acknowledge without doing what the message asks for."""
    return b"ack"


def sleep_eight_times(_number: int) -> bytes:
    """Wait eight times for a message: eight voluntary context switches."""
    for _ in range(SWITCHES):
        time.sleep(SERVICE_S / SWITCHES)
    return b"ack"


def serve_exactly(_number: int) -> bytes:
    """Acknowledge after 20 ms."""
    time.sleep(SERVICE_S)
    return b"ack"


BEHAVIOURS: dict[str, Callable[[int], bytes]] = {
    "faulty": serve_with_faults,
    "freezes": freeze,
    "lies": acknowledge_at_once,
    "switches": sleep_eight_times,
    "deaf": serve_exactly,
}


def converse_and_stay(connection: socket.socket, serve: Callable[[int], bytes]) -> None:
    """Serve a connection in a thread that does not end, so that the kernel keeps its counts."""
    converse(connection, serve)
    threading.Event().wait()


def converse(connection: socket.socket, serve: Callable[[int], bytes]) -> None:
    """Serve the messages of a connection until ``goodbye`` or its end."""
    rest = b""
    with connection:
        while segment := connection.recv(65_536):
            *messages, rest = (rest + segment).split(ETX)
            for message in messages:
                if message == b"goodbye":
                    return
                found = MESSAGE.match(message)
                connection.sendall(serve(int(found[1]) if found else 0))


def kernel_counts() -> dict[str, int]:
    """Return counters of the kernel's TCP as text of proc(5) has them: a line of names, of values.

    ``/proc/net/netstat`` has ``ListenOverflows``, ``/proc/net/snmp`` has ``RetransSegs``.
    """
    counts: dict[str, int] = {}
    for path in ("/proc/net/netstat", "/proc/net/snmp"):
        with open(path, encoding="ascii") as table:  # noqa: PTH123 nothing but open is needed
            lines = [line.split() for line in table]
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            counts |= {name: int(value) for name, value in zip(names[1:], values[1:], strict=True)}
    return counts


def main(behaviour: str, port: int) -> None:
    """Serve until SIGTERM, then print what the kernel counted meanwhile.

    A ``deaf`` server has a backlog of 1 and accepts nothing at first.
    """
    before = kernel_counts()

    def end(*_: object) -> None:
        after = kernel_counts()
        counted = {name: after[name] - before[name] for name in COUNTERS}
        sys.stdout.write(json.dumps(counted) + "\n")
        sys.stdout.flush()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    is_deaf = behaviour == "deaf"
    listener = socket.create_server(("127.0.0.1", port), backlog=1 if is_deaf else 128)
    if is_deaf:
        listener.accept()[0].close()  # the lab's question whether it listens
        while not _is_queue_full(listener):
            time.sleep(0.01)
        time.sleep(DEAF_S)
    talk = converse_and_stay if behaviour == "switches" else converse
    while True:
        connection, _ = listener.accept()
        arguments = (connection, BEHAVIOURS[behaviour])
        threading.Thread(target=talk, args=arguments, daemon=True).start()


def _is_queue_full(listener: socket.socket) -> bool:
    """Whether more connections wait than the backlog of 1: tcpi_unacked of a listener, tcp(7)."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
    return int.from_bytes(info[24:28], sys.byteorder) > 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
