"""The listening socket, on the loopback interface and with the errors of accept(2)."""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from labkit.server.connection import TICK_S
from labkit.server.listener import (
    QUEUE_IS_EMPTY,
    ListenError,
    accept,
    open_listener,
    stop_listening,
)
from labkit.server.settings import Settings

LOOPBACK = Settings(host="127.0.0.1", port=0)
DEADLINE_S = 20.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with open_listener(LOOPBACK) as opened:
        yield opened


@pytest.fixture
def clients(listener: socket.socket) -> Iterator[list[socket.socket]]:
    """Give three connected clients, which wait in the accept queue in this order."""
    with ExitStack() as opened:
        yield [
            opened.enter_context(socket.create_connection(listener.getsockname(), DEADLINE_S))
            for _ in range(3)
        ]


class FailingListener:
    """A listener whose ``accept`` fails; all else is that of the socket."""

    def __init__(self, listener: socket.socket, code: int) -> None:
        self._listener = listener
        self._error = OSError(code, os.strerror(code))

    def accept(self) -> None:
        raise self._error

    _accept = accept

    def __getattr__(self, name: str) -> object:
        return getattr(self._listener, name)


def failing(listener: socket.socket, code: int) -> socket.socket:
    sock: socket.socket = FailingListener(listener, code)  # type: ignore[assignment]
    return sock


def test_accepted_sockets_inherit_what_the_listener_sets(
    listener: socket.socket, clients: list[socket.socket]
) -> None:
    sock, peer = accept(listener)
    host, port = clients[0].getsockname()
    assert peer == f"{host}:{port}"
    with sock:
        assert sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            seconds, microseconds = struct.unpack(
                "ll", sock.getsockopt(socket.SOL_SOCKET, option, 16)
            )
            assert seconds + microseconds / 1e6 == pytest.approx(TICK_S, abs=0.005)


def test_the_oldest_connection_is_accepted_first(
    listener: socket.socket, clients: list[socket.socket]
) -> None:
    ports = []
    for _ in clients:
        sock, peer = accept(listener)
        sock.close()
        ports.append(int(peer.rpartition(":")[2]))
    assert ports == [client.getsockname()[1] for client in clients]
    listener.setblocking(False)
    with pytest.raises(BlockingIOError) as raised:
        accept(listener)
    assert raised.value.errno == QUEUE_IS_EMPTY


def test_an_address_of_ipv6_is_listened_on() -> None:
    try:
        listener = open_listener(Settings(host="::1", port=0))
    except ListenError:
        pytest.skip("there is no IPv6 here")
    with listener, socket.create_connection(listener.getsockname()[:2], DEADLINE_S) as client:
        sock, peer = accept(listener)
        sock.close()
        assert sock.family == socket.AF_INET6
        assert peer == f"::1:{client.getsockname()[1]}"


@pytest.mark.parametrize("code", sorted(errno.errorcode))
def test_an_error_is_passed_on(listener: socket.socket, code: int) -> None:
    with pytest.raises(OSError, match=os.strerror(code)) as raised:
        accept(failing(listener, code))
    assert raised.value.errno == code


def test_an_address_in_use_is_named_with_the_variables_to_set(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(ListenError) as raised:
        open_listener(Settings(host="127.0.0.1", port=port))
    assert str(raised.value) == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another address with LAB_HOST and LAB_PORT"
    )


@pytest.mark.parametrize("host", ["\u00e9..example", "\u00e9" * 64, "\udc80", "a\0b"], ids=ascii)
def test_a_text_that_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(ListenError, match="not an address; choose another address"):
        open_listener(Settings(host=host, port=0))


def test_what_waits_is_counted_and_reset_and_nobody_else_may_connect(
    listener: socket.socket, clients: list[socket.socket]
) -> None:
    assert stop_listening(listener) == len(clients)
    for client in clients:
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname(), DEADLINE_S)
    with pytest.raises(OSError, match="Invalid argument") as raised:
        accept(listener)
    assert raised.value.errno == errno.EINVAL


def test_without_a_descriptor_the_kernel_resets_what_waits_and_it_is_counted(
    listener: socket.socket, clients: list[socket.socket]
) -> None:
    assert stop_listening(failing(listener, errno.EMFILE)) == len(clients)
    for client in clients:
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_an_empty_queue_has_none_to_reset(listener: socket.socket) -> None:
    assert stop_listening(listener) == 0


@pytest.mark.parametrize("backlog", [1, 128])
def test_one_client_at_most_connects_between_the_last_count_and_the_shutdown(backlog: int) -> None:
    """As a thread that counts may wait long for a CPU, or for the interpreter lock, before it."""

    class Delayed(FailingListener):
        def shutdown(self, how: int) -> None:
            while not is_full():
                pass
            listener.shutdown(how)

    def is_full() -> bool:
        client = stack.enter_context(socket.socket())
        client.settimeout(0.1)  # on loopback, what connects at all does so at once
        with suppress(TimeoutError):
            client.connect(listener.getsockname())
            late.append(client)
            return False
        return True

    late: list[socket.socket] = []
    settings = Settings(host="127.0.0.1", port=0, backlog=backlog)
    with ExitStack() as stack, open_listener(settings) as listener:
        delayed: socket.socket = Delayed(listener, errno.EAGAIN)  # type: ignore[assignment]
        assert stop_listening(delayed) == 0
        assert len(late) <= 1


def test_a_client_that_connects_to_the_next_listener_meanwhile_is_counted(
    listener: socket.socket, clients: list[socket.socket]
) -> None:
    """As one does that was reset by the first; the first listens no more by then."""

    class First(FailingListener):
        def shutdown(self, _how: int) -> None:
            late.append(socket.create_connection(listener.getsockname(), DEADLINE_S))

    late: list[socket.socket] = []
    with open_listener(LOOPBACK) as other:
        first: socket.socket = First(other, errno.EAGAIN)  # type: ignore[assignment]
        assert stop_listening(first, listener) == len(clients) + 1
    with late[0], pytest.raises(ConnectionResetError):
        late[0].recv(1)
