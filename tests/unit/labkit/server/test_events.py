import json
import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.protocol.session import Request
from labkit.protocol.work import Demand, demand_of
from labkit.server.events import EventLog, Served
from labkit.server.logs import Counts
from labkit.server.stream import Stream


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    yield ends
    for end in ends:
        os.close(end)


def _log(fd: int, *, as_text: bool = False, level: str = "trace") -> EventLog:
    return EventLog(Stream("m", fd, as_text, level), 1, Counts(1).row(0))


def _served(name: str) -> Served:
    return Served(Request(name, Demand("sleep", 0.001), 1), 2, 3)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 1 << 20)
    except BlockingIOError:
        return b""


def test_lines_are_gathered_until_they_are_flushed(pipe: tuple[int, int]) -> None:
    log = _log(pipe[1])
    log.emit("accepted", conn="1.1", peer="p")
    log.request_acked("1.1", _served("a"), time.monotonic_ns())
    assert _read(pipe[0]) == b""
    assert log.has_lines
    log.flush()
    accepted, acked = map(json.loads, _read(pipe[0]).splitlines())
    assert (accepted["event"], accepted["conn"], accepted["worker"]) == ("accepted", "1.1", 1)
    assert acked["event"] == "request_acked"
    assert [acked[key] for key in ("received_ns", "started_ns", "finished_ns")] == [1, 2, 3]
    assert (acked["request"], acked["demand"], acked["demand_ns"]) == ("a", "sleep", 1_000_000)
    assert "parts_ns" not in acked


def test_a_log_speaks_for_another_worker_within_a_block_and_keeps_the_order(
    pipe: tuple[int, int],
) -> None:
    log = _log(pipe[1])
    log.request_acked("1.1", _served("a"), 4)
    with log.speaking_for(7):
        log.request_acked("1.1", _served("b"), 5)
    log.request_acked("1.1", _served("c"), 6)
    log.flush()
    lines = [json.loads(line) for line in _read(pipe[0]).splitlines()]
    assert [(each["request"], each["worker"]) for each in lines] == [("a", 1), ("b", 7), ("c", 1)]
    assert {each["pid"] for each in lines} == {os.getpid()}
    assert log.count("request_acked") == 3


def test_parts_of_a_demand_are_logged_with_their_sum(pipe: tuple[int, int]) -> None:
    log = _log(pipe[1])
    demand = demand_of((Demand("sleep", 0.01), Demand("cpu", 0.002)))
    log.request_acked("1.1", Served(Request("a", demand, 1), 2, 3), 4)
    log.flush()
    acked = json.loads(_read(pipe[0]))
    assert (acked["demand"], acked["demand_ns"]) == ("sleep+cpu", 12_000_000)
    assert acked["parts_ns"] == [10_000_000, 2_000_000]
    assert [acked[key] for key in ("received_ns", "started_ns", "finished_ns")] == [1, 2, 3]


def test_no_write_is_longer_than_a_pipe_takes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def note(_fd: int, lines: bytes) -> int:
        sizes.append(len(lines))
        return len(lines)

    monkeypatch.setattr(os, "write", note)
    log = _log(1)
    for number in range(200):
        log.request_acked("1.1", _served("\x01" * number), time.monotonic_ns())
    log.flush()
    assert len(sizes) > 1
    assert max(sizes) <= 4096


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=5000))
def test_a_line_is_short_and_valid_whatever_the_id(name: str) -> None:
    reader, writer = os.pipe()
    try:
        log = _log(writer)
        log.request_acked("1.1", _served(name), time.monotonic_ns())
        log.emit("connection_failed", conn="1.1", requests=1, reason=name)
        log.flush()
        lines = os.read(reader, 1 << 16).splitlines(keepends=True)
    finally:
        os.close(reader)
        os.close(writer)
    assert max(map(len, lines)) <= 4096
    assert json.loads(lines[0])["request"] == name[:256]
    assert name.startswith(json.loads(lines[1])["reason"])


def test_text_is_written_at_once_and_moves_no_terminal(pipe: tuple[int, int]) -> None:
    log = _log(pipe[1], as_text=True)
    log.request_started("1.1", Request("\x1b[2J\n\x7f", Demand("sleep", 0.05), 1))
    text = _read(pipe[0]).decode()
    assert "worker 1  serving \\x1b[2J\\n\\x7f of 1.1: sleep=50ms\n" in text
    assert text.count("\n") == 1
