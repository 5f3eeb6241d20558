"""Mixed and hostile load on connections that come and go; the server leaks nothing.

All models at once, each with its own server and clients. Memory is compared after a warm-up, in
which interpreters and allocators reach their working size.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance import discover_models
from conformance.server_process import RunningServer, starting, status_kib
from conformance.target import Client, Target
from tests.endurance.load_fixtures import visitors

GROWTH_BYTES = 4 << 20  # a process, after the warm-up; a leak of 1 KiB a connection exceeds it
MOST_LOADS = 3
"""A leak grows in each load; an allocator that was not warm yet grows once."""

VISITORS = 3
IDLE_TIMEOUT_S = 0.3
SETTLED_LOOKS = 100  # some 2 ms apart


class Holdings(NamedTuple):
    """The resources that the processes of a server hold."""

    descriptors: int
    threads: int
    processes: int


def _say_nothing(client: Client) -> None:
    client.sock.settimeout(0.02)
    with contextlib.suppress(TimeoutError):
        client.sock.recv(1)


def _never_read(client: Client) -> None:
    client.sock.settimeout(0.02)
    with contextlib.suppress(TimeoutError):
        for _ in range(20):
            client.send(b"n sleep=0ms\x03" * 2000)


def _reset_in_service(client: Client) -> None:
    client.send(b"r sleep=5ms\x03r sleep=5ms\x03unfin")
    client.reset()


HOSTILE: list[Callable[[Client], None]] = [
    _say_nothing,
    _never_read,
    _reset_in_service,
    Client.reset,
    lambda client: client.send(b"\xff" * 100),
    lambda client: client.send(b"x" * 10_000),
    lambda client: client.send(b"x sleep=never\x03"),
    lambda client: client.send(b"a", b" sle", b"ep=0ms", b"\x03un"),
    lambda client: client.send(b"h sleep=3ms\x03" * 30),  # and leaves
]


@contextlib.contextmanager
def _hostile_visitors(target: Target) -> Iterator[list[int]]:
    over, visits = threading.Event(), [0]

    def visit() -> None:
        chance = random.Random(0)
        while not over.is_set():
            with contextlib.suppress(ConnectionError), target.connect() as client:
                chance.choice(HOSTILE)(client)
            visits[0] += 1

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield visits
    finally:
        over.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_no_resource_leaks(is_long: bool) -> None:
    duration_s = 180 if is_long else 10
    reports: list[str] = []
    troubles: list[BaseException] = []

    def soak(model: str) -> None:
        try:
            reports.append(_soak(model, duration_s))
        except BaseException as exc:
            troubles.append(exc)

    soaks = [threading.Thread(target=soak, args=(model,)) for model in discover_models()]
    for thread in soaks:
        thread.start()
    for thread in soaks:
        thread.join()
    print("\n" + "\n".join(sorted(reports)))
    for trouble in troubles:
        raise trouble


def _soak(model: str, duration_s: float) -> str:
    with starting(f"services.{model}.server") as start:
        server = start(
            LAB_LOG_LEVEL="lifecycle", LAB_WORKERS="4", LAB_IDLE_TIMEOUT=f"{IDLE_TIMEOUT_S}s"
        )
        server.serves()
        before = _settled(server)
        _load(server, duration_s / 4)
        _await(server, before)
        for _ in range(MOST_LOADS):
            warm_bytes = _resident_bytes(server)
            visits, acks = _load(server, duration_s * 3 / 4)
            _await(server, before)
            grown_bytes = _resident_bytes(server) - warm_bytes
            if grown_bytes < GROWTH_BYTES * before.processes:
                break
        assert grown_bytes < GROWTH_BYTES * before.processes
        server.stop()
    return (
        f"{model}: {visits} hostile visits, {acks} acks; {before} as at the start; "
        f"resident memory {warm_bytes >> 10} KiB after the warm-up, {grown_bytes >> 10:+} KiB since"
    )


def _load(server: RunningServer, duration_s: float) -> tuple[int, int]:
    end_s = time.monotonic() + duration_s
    with visitors(server, VISITORS) as crowd, _hostile_visitors(server) as visits:
        while time.monotonic() < end_s and all(visitor.is_alive() for visitor in crowd):
            threading.Event().wait(0.1)
    talks = [talk for visitor in crowd for talk in visitor.talks]
    # A client that has no CPU for so long may be closed as a silent one.
    assert [talk for talk in talks if talk.lost and talk.silent_s < IDLE_TIMEOUT_S] == []
    return visits[0], sum(talk.acked for talk in talks)


def _settled(server: RunningServer) -> Holdings:
    """Return the resources of the server when they have been stable for a moment."""
    seen = [_holdings(server)]

    def is_settled() -> bool:
        seen.append(_holdings(server))
        return len(seen) > SETTLED_LOOKS and len(set(seen[-SETTLED_LOOKS:])) == 1

    server.await_true(is_settled, "the same descriptors, threads and processes for a while")
    return seen[-1]


def _await(server: RunningServer, before: Holdings) -> None:
    server.await_true(lambda: _holdings(server) == before, f"{before}")


def _holdings(server: RunningServer) -> Holdings:
    threads = [*server.of_each_process(lambda pid: len(list(Path(f"/proc/{pid}/task").iterdir())))]
    return Holdings(server.descriptors(), sum(threads), len(threads))


def _resident_bytes(server: RunningServer) -> int:
    sizes_kib = server.of_each_process(lambda pid: status_kib(pid, "VmRSS"))
    return sum(sizes_kib) * 1024
