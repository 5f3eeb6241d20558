"""A server under test, known by its address, and the clients that test it.

Each wait is for a condition with a deadline, never for a fixed time.
"""

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

DEADLINE_S = 20.0
POLL_S = 0.002
TCP_REPAIR = 19  # linux/tcp.h
_ROOM_S = 1.0  # within which a server with a free worker serves a client
_IDLE_S = 0.05  # after which another client is tried beside it
_ROOM = b"room sleep=0ms\x03"
_HASHED = 100  # clients, of which one is hashed to the busy worker of 16, but for once in 600 times
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class DeadlineError(AssertionError):
    """The condition that a test waited for did not become true in time."""


def await_true(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as ``condition`` holds.

    Raises:
        DeadlineError: it did not hold within ``deadline_s``.
    """
    end_s = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end_s:
            raise DeadlineError(f"not within {deadline_s:g} s: {what}")
        time.sleep(POLL_S)


class Client:
    """A plain blocking connection to a server."""

    def __init__(self, address: tuple[str, int], deadline_s: float) -> None:
        self.sock = socket.create_connection(address, timeout=deadline_s)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, *segments: bytes) -> None:
        """Send each segment in a separate call."""
        for segment in segments:
            self.sock.sendall(segment)

    def read(self, size: int) -> bytes:
        """Return exactly ``size`` bytes, or fewer if the stream ends before."""
        received = b""
        while len(received) < size and (more := self._receive(size - len(received))):
            received += more
        return received

    def read_to_end(self) -> bytes:
        """Return all bytes until the server closes."""
        received = b""
        while more := self._receive(65_536):
            received += more
        return received

    def read_to_any_end(self) -> bytes:
        """Return all bytes until the server closes or resets the connection."""
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while more := self._receive(65_536):
                received += more
        return received

    def _receive(self, size: int) -> bytes:
        try:
            return self.sock.recv(size)
        except TimeoutError as exc:
            raise DeadlineError("the server neither answered nor closed") from exc

    def await_ack(self) -> None:
        """Read one acknowledgement."""
        answer = self.read(3)
        assert answer == b"ack", answer

    def buffer_little(self) -> None:
        """Take few acks before the first is read, so that a server soon has to keep them."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def half_close(self) -> None:
        """Close the outgoing half; go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()

    def vanish(self) -> None:
        """Close without FIN or RST, like a machine that loses power.

        What was received is acknowledged before, so that the server does not send it again.

        Raises:
            PermissionError: the kernel requires CAP_NET_ADMIN for that.
        """
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self.sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        self.sock.close()


class Target:
    """A running server; ``name`` stands for it in reports."""

    def __init__(self, name: str, deadline_s: float = DEADLINE_S) -> None:
        self.name = name
        self.deadline_s = deadline_s

    @property
    def address(self) -> tuple[str, int]:
        """The address it listens on."""
        raise NotImplementedError

    def connect(self) -> Client:
        """Return a new connection to it."""
        return Client(self.address, self.deadline_s)

    @property
    def accept_queues(self) -> int | None:
        """How many accept queues it declares; of several, the kernel chooses one by a hash.

        None if only its address is known.
        """
        return None

    def connect_to_idle(self) -> Client:
        """Return a new connection that an idle worker takes up.

        If there are several accept queues, it may wait in that of a busy worker; then others are
        opened, until one is served. The connection returned has sent a message ``room`` in that
        case.
        """
        if self.accept_queues == 1:
            return self.connect()
        opened: dict[socket.socket, Client] = {}
        deadline_s = time.monotonic() + self.deadline_s
        try:
            while time.monotonic() < deadline_s:
                client = self.connect()
                client.send(_ROOM)
                opened[client.sock] = client
                for sock in select.select(opened, (), (), _IDLE_S)[0]:
                    opened[sock].await_ack()
                    return opened.pop(sock)
        finally:
            for client in opened.values():
                client.reset()
        raise DeadlineError(f"not within {self.deadline_s:g} s: an idle worker")

    def serves(self) -> None:
        """Assert that a new client is served, from connect to close."""
        with self.connect() as client:
            client.send(b"probe sleep=0ms\x03goodbye\x03")
            assert client.read_to_end() == b"ack"

    def await_true(self, condition: Callable[[], bool], what: str) -> None:
        """Return when ``condition`` holds."""
        await_true(condition, what, self.deadline_s)


class RemoteTarget(Target):
    """A server that was started elsewhere and is known only by its address."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port}")
        self._address = (host, port)

    @property
    def address(self) -> tuple[str, int]:
        """The address given on the command line."""
        return self._address


_rooms: dict[tuple[str, int], bool] = {}


def has_room(target: Target, held: int = 1) -> bool:
    """Whether ``target`` serves one more client while ``held`` connections are open; cached.

    It is measured, not read from the name or the log of a model, so it works for any server. With
    several accept queues a client finds room only if it does in whichever queue it waits.
    """
    key = (target.name, held)
    if key not in _rooms:
        with contextlib.ExitStack() as stack:
            before = [stack.enter_context(target.connect()) for _ in range(held)]
            more = 1 if target.accept_queues == 1 else _HASHED
            _rooms[key] = all(map(_is_served_soon, before)) and all(
                _serves_one_more(target) for _ in range(more)
            )
    return _rooms[key]


def _serves_one_more(target: Target) -> bool:
    with target.connect() as client:
        return _is_served_soon(client)


def _is_served_soon(client: Client) -> bool:
    client.sock.settimeout(_ROOM_S)
    client.send(_ROOM)
    try:
        client.await_ack()
    except DeadlineError:
        return False
    return True


@contextlib.contextmanager
def well_behaved_client(target: Target, held: int = 1) -> Iterator[None]:
    """Assert that a well-behaved client gets every ack while the block runs.

    If ``held`` connections occupy every worker, the client connects after the block instead.
    """
    if not has_room(target, held):
        yield
        target.serves()
        return
    over = threading.Event()
    troubles: list[BaseException] = []
    client = target.connect()
    thread = threading.Thread(target=_converse, args=(client, over, troubles))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        client.sock.close()
    if troubles:
        raise AssertionError(
            f"a well-behaved client at the same time: {troubles[0]!r}"
        ) from troubles[0]


def _converse(client: Client, over: threading.Event, troubles: list[BaseException]) -> None:
    try:
        while not over.wait(POLL_S):
            client.send(b"well sleep=1ms\x03")
            client.await_ack()
        client.send(b"well sleep=0ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack"
    except (AssertionError, OSError) as exc:
        troubles.append(exc)
