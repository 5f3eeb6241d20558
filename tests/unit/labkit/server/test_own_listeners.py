"""Listeners at one address, on the loopback interface of a network namespace."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from labkit.server import own_listeners
from labkit.server.listener import ListenError, accept_queue_length, open_listener
from labkit.server.own_listeners import Closed, OwnListeners
from labkit.server.settings import Settings
from tests.unit.labkit.server.network_fixtures import network_namespace

LOOPBACK = Settings(host="127.0.0.1", port=0, backlog=128)
WORKERS, CLIENTS = 3, 60
"""So many clients that each worker's queue gets one, but for once in ten thousand million times."""


@contextmanager
def listening(workers: int = WORKERS) -> Iterator[OwnListeners]:
    own = OwnListeners(open_listener(LOOPBACK), LOOPBACK)
    try:
        for worker in range(1, workers + 1):
            own.of(worker)
        yield own
    finally:
        own.release()


@contextmanager
def clients_of(own: OwnListeners, number: int = CLIENTS) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        address = own.all[0].getsockname()
        yield [stack.enter_context(socket.create_connection(address)) for _ in range(number)]


def lengths(own: OwnListeners) -> list[int]:
    return [accept_queue_length(listener) for listener in own.all]


def are_reset(clients: list[socket.socket]) -> int:
    """Return how many of ``clients`` the kernel has reset."""
    found = 0
    for client in clients:
        client.setblocking(False)
        try:
            client.recv(1)
        except ConnectionResetError:
            found += 1
        except BlockingIOError:
            pass
    return found


def test_the_kernel_spreads_connections_over_all_listeners() -> None:
    with listening() as own, clients_of(own):
        assert min(lengths(own)) > 0
        assert sum(lengths(own)) == CLIENTS


@pytest.mark.parametrize("migrates", [0, 1])
def test_a_listener_that_closes_loses_its_queue_unless_the_kernel_moves_it(migrates: int) -> None:
    with (
        network_namespace(tcp_migrate_req=migrates),
        listening() as own,
        clients_of(own) as clients,
    ):
        first, second, third = lengths(own)
        moved = second if migrates else 0
        assert own.close(2) == Closed(second - moved, moved)
        assert are_reset(clients) == second - moved
        assert sum(lengths(own)) == first + third + moved


def test_the_last_listener_has_no_other_to_move_its_queue_to() -> None:
    with network_namespace(tcp_migrate_req=1), listening(1) as own, clients_of(own, 5) as clients:
        assert own.close(1) == Closed(reset=5, migrated=0)
        assert are_reset(clients) == 5


def test_a_listener_that_was_closed_is_opened_again_at_the_same_address() -> None:
    with listening() as own:
        address = own.of(2).getsockname()
        own.close(2)
        assert own.of(2).getsockname() == address
        with clients_of(own):
            assert min(lengths(own)) > 0


def test_a_worker_keeps_the_one_listener_that_is_its_own() -> None:
    with listening() as own:
        kept, (first, _, third) = own.of(2), own.all
        own.keep(kept)
        assert own.all == (kept,)
        assert first.fileno() == third.fileno() == -1
        assert kept.fileno() >= 0


def test_no_other_program_gets_the_address_unnoticed() -> None:
    with listening() as own:
        port = own.of(1).getsockname()[1]
        with pytest.raises(ListenError, match="Address already in use"):
            open_listener(Settings(host="127.0.0.1", port=port))


def test_a_kernel_that_does_not_count_has_moved_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def read_text(self, **_: object) -> str:
            raise FileNotFoundError

    monkeypatch.setattr(own_listeners, "_NETSTAT", Missing())
    with network_namespace(tcp_migrate_req=0), listening(2) as own, clients_of(own, 5):
        waiting = lengths(own)[0]
        assert own.close(1) == Closed(reset=waiting, migrated=0)
