"""A queue between a loop and threads; here the test's thread is the loop, and the worker's."""

import os
import select
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from labkit.protocol.session import Request
from labkit.protocol.work import Demand
from labkit.server import work_queue
from labkit.server.connection import Connection
from labkit.server.service import Service
from labkit.server.work_queue import Done, WorkQueue


class FakeService:
    """Records which services begin, and why it gives up."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, str]] = []
        self.failure = ""

    def log(self, worker: int) -> SimpleNamespace:
        return SimpleNamespace(
            request_started=lambda _conn, request: self.begun.append((worker, request.id))
        )

    def give_up(self, reason: str) -> None:
        self.failure = reason


class _OverError(BaseException):
    """Ends a worker, which has no end."""


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch, service: FakeService) -> Iterator[WorkQueue]:
    """Return a queue in which the demand ``stop`` ends a worker, and ``defect`` fails."""

    def perform(demand: Demand) -> None:
        if demand.kind == "stop":
            raise _OverError
        if demand.kind == "defect":
            raise RuntimeError("planted defect")

    monkeypatch.setattr(work_queue, "perform", perform)
    made = WorkQueue(cast("Service", service))
    yield made
    os.close(made.fileno())


def _conn(*, is_open: bool = True) -> Connection:
    return cast("Connection", SimpleNamespace(id="c", is_open=is_open))


def _request(name: str, kind: str = "sleep") -> Request:
    return Request(name, Demand(kind, 1.0), received_ns=1)


def _run_until_stopped(queue: WorkQueue, worker: int) -> None:
    queue.put(_conn(), _request("end", "stop"))
    with pytest.raises(_OverError):
        queue.work(worker)


def _is_readable(queue: WorkQueue) -> bool:
    return bool(select.select((queue,), (), (), 0)[0])


def test_what_is_served_comes_back_in_order_with_its_worker_and_wakes_the_loop(
    queue: WorkQueue, service: FakeService
) -> None:
    conns = [_conn(), _conn()]
    for conn, name in zip(conns, "ab", strict=True):
        queue.put(conn, _request(name))
    assert not _is_readable(queue)
    before_ns = time.monotonic_ns()
    _run_until_stopped(queue, 3)
    assert service.begun == [(3, "a"), (3, "b"), (3, "end")]
    assert _is_readable(queue)
    done = list(queue.done())
    assert [(each.conn, each.worker) for each in done] == [(conn, 3) for conn in conns]
    for each, name in zip(done, "ab", strict=True):
        assert each.served is not None
        assert each.served.request.id == name
        assert before_ns <= each.served.started_ns <= each.served.finished_ns
    assert not _is_readable(queue)
    assert list(queue.done()) == []


def test_a_message_whose_peer_has_left_is_not_served(
    queue: WorkQueue, service: FakeService
) -> None:
    queue.put(_conn(is_open=False), _request("a"))
    _run_until_stopped(queue, 1)
    assert service.begun == [(1, "end")]
    assert list(queue.done()) == []


def test_what_no_worker_has_begun_can_be_taken_back(queue: WorkQueue, service: FakeService) -> None:
    conns = [_conn(), _conn()]
    for conn, name in zip(conns, "ab", strict=True):
        queue.put(conn, _request(name))
    taken = list(queue.take_back())
    assert [(each.conn, each.request.id) for each in taken] == list(zip(conns, "ab", strict=True))
    assert list(queue.take_back()) == []
    _run_until_stopped(queue, 1)
    assert service.begun == [(1, "end")]


def test_a_defect_ends_the_server_and_not_the_worker(
    queue: WorkQueue, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    conn = _conn()
    queue.put(conn, _request("bad", "defect"))
    _run_until_stopped(queue, 2)
    assert list(queue.done()) == [Done(conn, 2, None)]
    assert service.failure == "worker 2 met a defect"
    assert "RuntimeError: planted defect" in capsys.readouterr().err
