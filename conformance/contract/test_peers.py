"""A hostile client loses at most its own connection; other clients are served.

These tests need only an address. While each hostile client acts, a well-behaved client gets every
ack; if the hostile one holds the only worker, then as soon as it has gone.
"""

import contextlib
import socket
import threading
from collections.abc import Callable

import pytest

from conformance.target import Client, Target, await_true, well_behaved_client

DRIBBLE_S = 0.01  # a hundredth of the second that the slowest modem takes for a byte
VISITS = 1000
CROWD = 40

Leave = Callable[[Client], object]
LEAVES: dict[str, Leave] = {
    "reset": Client.reset,
    "close": lambda client: client.sock.close(),
    "half-close": Client.half_close,
}
MIDDLES = {
    "of nothing": b"",
    "of a message": b"unfin",
    "of service": b"b sleep=100ms\x03",
    "of much service": b"b sleep=50ms\x03" * 50,
}


def refuses_to_vanish() -> bool:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        try:
            Client(listener.getsockname(), 1).vanish()
        except PermissionError:
            return True
    return False


@pytest.mark.parametrize("leave", LEAVES)
@pytest.mark.parametrize("middle", MIDDLES)
def test_a_peer_leaves_in_the_middle(target: Target, middle: str, leave: str) -> None:
    with well_behaved_client(target), target.connect() as client:
        client.send(b"a sleep=0ms\x03" + MIDDLES[middle])
        client.await_ack()
        LEAVES[leave](client)


def test_a_peer_vanishes(target: Target) -> None:
    """No FIN and no RST: the server notices when the kernel's answer to the next ack is an RST.

    If no ack is due, only the server's idle time-out ends the connection.
    """
    if refuses_to_vanish():
        pytest.skip("vanishing takes CAP_NET_ADMIN, for TCP_REPAIR")
    with well_behaved_client(target):
        client = target.connect()
        client.send(b"a sleep=0ms\x03" + MIDDLES["of much service"])
        client.await_ack()
        client.vanish()


def test_a_peer_never_reads(target: Target) -> None:
    with well_behaved_client(target), target.connect() as client:
        client.buffer_little()
        client.sock.settimeout(0.2)
        with contextlib.suppress(OSError):
            for _ in range(40):
                client.sock.send(b"a sleep=0ms\x03" * 5000)


def test_a_peer_sends_nothing(target: Target) -> None:
    with well_behaved_client(target), target.connect() as client:
        client.sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.sock.recv(1)


def test_a_peer_dribbles(target: Target) -> None:
    """One byte at a time, a hundred times faster than one a second, to keep the test short."""
    with well_behaved_client(target), target.connect() as client:
        for byte in b"a sleep=0ms\x03b sleep=0ms\x03goodbye\x03":
            client.send(bytes([byte]))
            threading.Event().wait(DRIBBLE_S)
        assert client.read_to_end() == b"ackack"


def test_a_thousand_visitors_send_nothing(target: Target) -> None:
    with well_behaved_client(target):
        for number in range(VISITS):
            client = target.connect()
            if number % 2:
                client.reset()
            client.sock.close()


def test_a_thousand_visitors_are_served(target: Target) -> None:
    with well_behaved_client(target):
        for _ in range(VISITS // 4):
            target.serves()


def test_every_client_of_a_burst_is_served(target: Target) -> None:
    """More clients at once than workers, and than a short queue holds."""
    answers: list[bytes] = []

    def visit(number: int) -> None:
        with target.connect() as client:
            client.send(b"c%d sleep=2ms\x03goodbye\x03" % number)
            answers.append(client.read_to_end())

    with well_behaved_client(target, held=4):
        visitors = [threading.Thread(target=visit, args=(n,)) for n in range(CROWD)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
    assert answers == [b"ack"] * CROWD


def test_a_slow_reader_gets_every_ack(target: Target) -> None:
    """More acknowledgements than the sockets hold: writes are partial, and none is lost."""
    messages = 150_000
    with well_behaved_client(target), target.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        client.sock.settimeout(0.2)
        unsent, received = memoryview(b"a sleep=0ms\x03" * messages), bytearray()
        with contextlib.suppress(TimeoutError):
            while unsent:
                unsent = unsent[client.sock.send(unsent) :]
        client.sock.setblocking(False)

        def has_all() -> bool:
            nonlocal unsent
            with contextlib.suppress(BlockingIOError):
                unsent = unsent[client.sock.send(unsent) :]
            with contextlib.suppress(BlockingIOError):
                while more := client.sock.recv(1 << 20):
                    received.extend(more)
            return len(received) >= 3 * messages

        await_true(has_all, "every ack", 2 * target.deadline_s)
        assert received == b"ack" * messages
