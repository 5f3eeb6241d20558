import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from labkit.protocol.session import ACK
from labkit.server.connection import DRAIN
from labkit.server.service import Service
from labkit.server.streams import Streams, StreamSocket
from tests.unit.labkit.server.program_fixtures import no_descriptor_is_left, quick_service

Talk = Callable[[StreamSocket, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MUCH = ACK * 2_000_000


@pytest.fixture
def service() -> Iterator[Service]:
    with quick_service() as started:
        yield started


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return the server's and the client's end of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=5)
        server, _ = listener.accept()
    with server, client:
        yield server, client


def _talk(server: socket.socket, talk: Talk) -> None:
    """Run ``talk`` on the stream of ``server``."""

    async def run() -> None:
        reader, writer = await asyncio.open_connection(sock=server)
        await talk(StreamSocket(writer.transport), reader, writer)
        writer.transport.abort()
        await asyncio.sleep(0)

    asyncio.run(run())


def test_what_was_read_is_received_and_what_is_sent_is_counted(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    server, client = ends

    async def talk(sock: StreamSocket, reader: asyncio.StreamReader, _: object) -> None:
        client.sendall(b"a\x03")
        sock.feed(await reader.read(100))
        assert sock.recv(100) == b"a\x03"
        assert sock.send(ACK) == len(ACK)
        assert client.recv(100) == ACK

    _talk(server, talk)


def test_what_the_transport_holds_is_not_sent_yet_and_not_sent_twice(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    server, client = ends

    async def talk(sock: StreamSocket, _: object, writer: asyncio.StreamWriter) -> None:
        sent = sock.send(MUCH)
        assert 0 < sent < len(MUCH)
        with pytest.raises(BlockingIOError):
            sock.send(MUCH[sent:])
        received = 0
        while sent < len(MUCH):
            received += len(await asyncio.to_thread(client.recv, 1 << 20))
            try:
                sent += sock.send(MUCH[sent:])
            except BlockingIOError:
                await asyncio.sleep(0)
        await writer.drain()
        while received < len(MUCH):
            received += len(client.recv(1 << 20))
        assert received == len(MUCH)

    _talk(server, talk)


def test_a_broken_connection_is_an_error_of_send(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    server, _ = ends

    async def talk(sock: StreamSocket, _: object, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        with pytest.raises(ConnectionResetError):
            sock.send(ACK)

    _talk(server, talk)


def test_it_is_open_until_it_is_closed_here(ends: tuple[socket.socket, socket.socket]) -> None:
    server, client = ends

    async def talk(sock: StreamSocket, _: object, writer: asyncio.StreamWriter) -> None:
        client.close()
        writer.transport.abort()
        await asyncio.sleep(0)
        assert writer.get_extra_info("socket").fileno() == -1
        assert sock.fileno() >= 0
        sock.close()
        assert sock.fileno() == -1

    _talk(server, talk)


def test_closing_it_closes_the_transport(ends: tuple[socket.socket, socket.socket]) -> None:
    server, client = ends

    async def talk(sock: StreamSocket, _: object, writer: asyncio.StreamWriter) -> None:
        sock.close()
        assert writer.transport.is_closing()

    _talk(server, talk)
    assert client.recv(100) == b""


def test_what_has_arrived_and_is_not_read_can_be_discarded(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    server, client = ends

    async def talk(sock: StreamSocket, _: object, writer: asyncio.StreamWriter) -> None:
        client.sendall(b"late")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100, socket.MSG_DONTWAIT) == b"late"
        with pytest.raises(BlockingIOError):
            sock.recv(100, socket.MSG_DONTWAIT)
        assert client.recv(100) == b""
        assert not writer.transport.is_closing()

    _talk(server, talk)


async def _serve(service: Service, visit: Callable[[Streams], Awaitable[None]]) -> None:
    """Accept by a server of asyncio; each connection is ended by the drain. Visit, then drain."""
    streams = Streams(service)

    async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conn = streams.opened(writer)
        streams.receive(conn, await reader.read(100))
        await reader.read(100)
        streams.close(conn, DRAIN)

    async def visit_and_drain() -> None:
        await visit(streams)
        service.draining = True
        service.listener.shutdown(socket.SHUT_RDWR)

    server = await asyncio.start_server(on_client, sock=streams.listener)
    visiting = asyncio.create_task(visit_and_drain())
    try:
        await streams.drained()
    finally:
        server.close()
    await visiting


def test_it_returns_when_the_drain_has_closed_the_last_connection(service: Service) -> None:
    async def visit(_: Streams) -> None:
        address = service.listener.getsockname()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"a sleep=0ms\x03")
        while not service.log(1).count("accepted"):
            await asyncio.sleep(0)
        writer.close()
        assert await reader.read(100) == b""

    asyncio.run(_serve(service, visit))
    assert service.log(1).count("connection_closed") == 1


def test_a_drain_needs_no_further_descriptor(service: Service) -> None:
    async def run() -> None:
        streams = Streams(service)
        service.draining = True
        with streams.listener, no_descriptor_is_left():
            await streams.drained()

    asyncio.run(run())


def test_an_error_of_accept_is_logged(service: Service) -> None:
    async def visit(_: Streams) -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "", "exception": PermissionError(1, "")})

    asyncio.run(_serve(service, visit))
    assert service.log(1).count("accept_refused") == 1


def test_a_defect_of_a_coroutine_ends_the_server(service: Service) -> None:
    async def visit(_: Streams) -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "", "exception": KeyError("defect")})

    with pytest.raises(KeyError, match="defect"):
        asyncio.run(_serve(service, visit))


def test_a_silent_connection_is_closed_unless_it_is_in_service(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    async def look() -> None:
        streams = Streams(service)
        monkeypatch.setattr(streams, "close", lambda conn, _: closed.append(conn))
        streams.in_service.add("busy")  # type: ignore[arg-type]
        streams._close_silent()  # noqa: SLF001
        streams.listener.close()
        streams._signals.close()  # noqa: SLF001

    monkeypatch.setattr(service, "silent_connections", lambda: [("idle", DRAIN), ("busy", DRAIN)])
    asyncio.run(look())
    assert closed == ["idle"]


def test_a_connection_whose_message_waits_behind_a_busy_loop_is_not_idle(service: Service) -> None:
    """A turn of asyncio reads after what was due before it, and the look at silence was."""
    service.settings = service.settings._replace(idle_timeout_s=0.02)
    log, answers = service.log(1), []

    async def visit(streams: Streams) -> None:
        reader, writer = await asyncio.open_connection(*service.listener.getsockname())
        while not log.count("accepted"):
            await asyncio.sleep(0)
        streams._is_news.set()  # noqa: SLF001  the look is in the next turn
        time.sleep(0.05)  # as a message does that computes
        os.write(writer.get_extra_info("socket").fileno(), b"a\x03")
        answers.append(await reader.read(100))
        writer.close()

    asyncio.run(_serve(service, visit))
    assert answers == [ACK]
