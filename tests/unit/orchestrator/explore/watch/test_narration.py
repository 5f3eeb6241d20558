"""What the text log of a server says, as its servers write it."""

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.protocol.session import Request
from labkit.protocol.work import Demand
from labkit.server.events import EventLog, Field, Served
from labkit.server.logs import Counts
from labkit.server.stream import MAX_WRITE_BYTES, Stream
from orchestrator.explore.watch.narration import Said, read_line

IDS = st.text(st.characters(max_codepoint=127), max_size=300).map(
    lambda text: "".join(text.split())
)


class Narrator:
    """A log as text, in memory."""

    def __init__(self, worker: int) -> None:
        self.file = os.memfd_create("log")
        stream = Stream("prefork", self.file, as_text=True, level="trace")
        self.log = EventLog(stream, worker, Counts(1).row(0))

    def read(self) -> list[Said | None]:
        """Return what each line says."""
        os.lseek(self.file, 0, os.SEEK_SET)
        with os.fdopen(self.file, encoding="ascii", newline="\n") as lines:
            return [read_line(line) for line in lines]


def said(worker: int, event: str, **fields: Field) -> Said | None:
    narrator = Narrator(worker)
    narrator.log.emit(event, **fields)
    (found,) = narrator.read()
    return found


def test_what_happens_to_a_connection_is_understood() -> None:
    accepted = said(2, "accepted", conn="2.1", peer="127.0.0.1:40000")
    assert accepted == Said("accepted", 2, conn="2.1", port=40_000)
    assert said(3, "dequeued", conn="0.9") == Said("dequeued", 3, conn="0.9")
    closed = said(2, "connection_closed", conn="2.1", requests=7, reason="goodbye")
    assert closed == Said("connection_closed", 2, conn="2.1", reason="goodbye")
    failed = said(2, "connection_failed", conn="2.1", requests=0, reason="reset: x 7: y")
    assert failed == Said("connection_failed", 2, conn="2.1", reason="reset: x 7: y")


def test_what_happens_to_the_server_is_understood() -> None:
    assert said(0, "listening", host="127.0.0.1", port=3000) == Said("listening", 0, port=3000)
    started = said(0, "worker_started", index=4, worker_pid=77)
    assert started == Said("worker_started", 0, about=4)
    exited = said(0, "worker_exited", index=4, worker_pid=77, exit_code=-9, reason="SIGKILL")
    assert exited == Said("worker_exited", 0, about=4, reason="SIGKILL")


@given(IDS, st.integers(0, 1024))
def test_every_message_is_understood(request_id: str, worker: int) -> None:
    narrator = Narrator(worker)
    request = Request(request_id, Demand("sleep", 0.02), time.monotonic_ns())
    narrator.log.request_started("0.12", request)
    narrator.log.request_acked("0.12", Served(request, 0, 0), time.monotonic_ns())
    begun, acked = narrator.read()
    assert begun is not None
    assert acked is not None
    assert (begun.event, acked.event) == ("request_started", "request_acked")
    assert begun.request == acked.request
    assert begun.request.startswith(request_id[:256].encode("unicode_escape").decode())
    assert {begun.conn, acked.conn} == {"0.12"}
    assert {begun.worker, acked.worker} == {worker}


@given(st.text(max_size=MAX_WRITE_BYTES))
def test_any_other_line_says_nothing(line: str) -> None:
    assert read_line(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "12:00:00.000  prefork  main  started\n",
        "12:00:00.000  prefork  main  accepted connection 0.1 from somewhere\n",
        "12:00:00.000  prefork  main  accepted connection 0.1 from 127.0.0.1:999999\n",
        "12:00:00.000  prefork  worker x  took connection 0.1 from the queue\n",
        "took connection 0.1 from the queue\n",
        "",
    ],
)
def test_a_line_without_a_lane_says_nothing(line: str) -> None:
    assert read_line(line) is None
