import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import cast

import pytest

from labkit.protocol.session import Limits
from labkit.protocol.work import Demand
from labkit.server.connection import Connection
from labkit.server.events import EventLog
from labkit.server.passing import Inlet, Passing
from tests.unit.labkit.server.program_fixtures import no_descriptor_is_left

LIMITS = Limits(Demand("sleep", 0.0), 4096, 60.0)


class FakeLog:
    """A log that records the events."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def emit(self, event: str, **_fields: object) -> None:
        self.events.append(event)


class Parent:
    """A parent and its workers in one process."""

    def __init__(self, stack: ExitStack) -> None:
        self.passing = Passing()
        self.log = FakeLog()
        self._stack = stack
        stack.callback(self.passing.close)

    def pass_on(self, conn_id: str) -> Connection:
        """Pass a connection to the next free worker, and return it."""
        sock, peer = socket.socketpair()
        for each in (sock, peer):
            self._stack.callback(each.close)
        conn = Connection(sock, conn_id, LIMITS, set[Connection]())
        self.passing.pass_on(conn, cast("EventLog", self.log))
        return conn

    def is_free(self) -> bool:
        self.passing.update(missing=())
        return self.passing.has_free


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parent]:
    monkeypatch.setattr("labkit.server.passing.TICK_S", 0.001)
    with ExitStack() as stack:
        yield Parent(stack)


def await_one(inlet: Inlet) -> None:
    """Give notice, and find that nothing has come."""
    with pytest.raises(BlockingIOError):
        inlet.take()


def take(inlet: Inlet) -> str:
    """Return the id of the connection that ``inlet`` takes next."""
    sock, state = inlet.take()
    sock.close()
    return state.conn_id


def test_a_worker_is_free_from_its_notice_until_a_connection_is_passed(parent: Parent) -> None:
    inlet = parent.passing.open_inlet(1)
    assert not parent.is_free()
    await_one(inlet)
    assert parent.is_free()
    conn = parent.pass_on("0.1")
    assert not parent.is_free()
    assert not conn.is_open  # the worker has it
    assert take(inlet) == "0.1"
    await_one(inlet)
    assert parent.is_free()


def test_a_worker_gives_notice_once_however_long_it_waits(parent: Parent) -> None:
    inlet = parent.passing.open_inlet(1)
    for _ in range(3):
        await_one(inlet)
    assert os.read(parent.passing.fileno(), 100) == bytes([1, 0])


def test_the_free_worker_with_the_lowest_number_is_next(parent: Parent) -> None:
    inlets = {worker: parent.passing.open_inlet(worker) for worker in (1, 2, 3)}
    for worker in (3, 1, 2):
        await_one(inlets[worker])
    assert parent.is_free()
    for number in (1, 2, 3):
        parent.pass_on(f"0.{number}")
    assert [take(inlet) for inlet in inlets.values()] == ["0.1", "0.2", "0.3"]


def test_a_worker_without_a_process_gets_nothing(parent: Parent) -> None:
    first, second = (parent.passing.open_inlet(worker) for worker in (1, 2))
    await_one(first)
    await_one(second)
    parent.passing.update(missing=[1])
    parent.pass_on("0.1")
    assert take(second) == "0.1"
    assert not parent.is_free()


def test_a_notice_of_a_process_that_has_ended_is_void(parent: Parent) -> None:
    await_one(parent.passing.open_inlet(1))
    parent.passing.open_inlet(1)
    assert not parent.is_free()


def test_what_a_dead_process_has_not_taken_its_successor_takes_before_it_is_free(
    parent: Parent,
) -> None:
    await_one(parent.passing.open_inlet(1))
    assert parent.is_free()
    parent.pass_on("0.1")
    successor = parent.passing.open_inlet(1)
    assert take(successor) == "0.1"
    assert not parent.is_free()


def test_the_parent_takes_back_what_no_worker_took(parent: Parent) -> None:
    inlet = parent.passing.open_inlet(1)
    await_one(inlet)
    assert parent.is_free()
    parent.pass_on("0.1")
    ((sock, state),) = parent.passing.untaken()
    sock.close()
    assert state.conn_id == "0.1"
    assert list(parent.passing.untaken()) == []
    await_one(inlet)


def test_without_a_descriptor_a_connection_stays_in_the_queue(parent: Parent) -> None:
    inlet = parent.passing.open_inlet(1)
    await_one(inlet)
    assert parent.is_free()
    parent.pass_on("0.1")
    with no_descriptor_is_left():
        with pytest.raises(OSError, match="Too many open files"):
            inlet.take()
        assert list(parent.passing.untaken()) == []
    assert take(inlet) == "0.1"


def test_a_connection_that_cannot_be_passed_is_reset_and_the_worker_stays_free(
    parent: Parent,
) -> None:
    inlet = parent.passing.open_inlet(1)
    await_one(inlet)
    assert parent.is_free()
    inlet.close()  # in this process the parent's side, too
    conn = parent.pass_on("0.1")
    assert not conn.is_open
    assert parent.log.events == ["connection_failed"]
    assert parent.is_free()


def test_a_closed_inlet_takes_nothing(parent: Parent) -> None:
    inlet = parent.passing.open_inlet(1)
    inlet.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        inlet.take()
