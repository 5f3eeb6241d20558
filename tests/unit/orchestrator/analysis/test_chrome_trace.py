"""Traces for Perfetto: every request on its track, without overlaps."""

import gzip
import itertools
import json
from typing import Any

import numpy as np
import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.chrome_trace import MAX_REQUESTS, trace
from orchestrator.results.fault_log import FaultRecord
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    START_NS,
    Sent,
    accepted,
    at,
    connection,
    evidence,
    replica,
    served,
)

SENT = [Sent(0, 1, 101), Sent(1, 1, 201), Sent(2, 1, 50, "reset")]
ROWS = [connection(user) for user in range(3)]
EVENTS = [
    accepted("0.0", 1, 1.5, ROWS[0].port), served(0, 1, 2, 100),
    accepted("0.1", 1, 100.5, ROWS[1].port), served(1, 1, 50, 200),
]  # fmt: skip
PAUSE = FaultRecord("pause", at(10), at(11), at(20), at(21), error="")


def traced(*faults: FaultRecord) -> dict[str, Any]:
    told = evidence([replica(0, SENT, connections=ROWS)], EVENTS)
    requests = analyse(told).merged.requests
    found: dict[str, Any] = json.loads(
        gzip.decompress(trace(requests, ["clients"], faults, START_NS))
    )
    return found


def spans(told: dict[str, Any], process: int) -> list[dict[str, Any]]:
    return [e for e in told["traceEvents"] if e["ph"] == "X" and e["pid"] == process]


def names(told: dict[str, Any], process: int) -> dict[int, str]:
    return {
        e["tid"]: e["args"]["name"]
        for e in told["traceEvents"]
        if e["name"] == "thread_name" and e["pid"] == process
    }


def test_a_worker_has_a_track_and_what_overlaps_there_one_more() -> None:
    told = traced()
    served_spans = spans(told, 1)
    assert [(e["name"], e["ts"], e["dur"]) for e in served_spans] == [
        ("r0.c0.m0", 2_000.0, 98_000.0), ("r0.c1.m0", 50_000.0, 150_000.0),
    ]  # fmt: skip
    assert len({e["tid"] for e in served_spans}) == 2
    assert set(names(told, 1).values()) == {"worker 1"}


def test_a_connection_has_the_parts_of_its_requests_one_after_another() -> None:
    told = traced()
    assert sorted(names(told, 2).values()) == ["user 0", "user 1", "user 2"]
    (track,) = [tid for tid, name in names(told, 2).items() if name == "user 0"]
    parts = [e for e in spans(told, 2) if e["tid"] == track]
    assert [e["name"] for e in parts] == [
        "schedule lag", "connect", "schedule lag", "accept queue", "unread", "service", "answer",
    ]  # fmt: skip
    assert sum(e["dur"] for e in parts) == pytest.approx(101_000)
    for first, second in itertools.pairwise(parts):
        assert first["ts"] + first["dur"] == pytest.approx(second["ts"])
    assert "reset" in {e["name"] for e in spans(told, 2)}


def test_faults_have_a_track_of_their_own() -> None:
    told = traced(PAUSE, FaultRecord("kill", at(50)))
    assert [(e["name"], e["ts"], e["dur"]) for e in spans(told, 3)] == [
        ("pause", 11_000.0, 10_000.0)
    ]


def test_a_run_of_any_size_makes_a_trace_that_opens() -> None:
    requests = np.repeat(analyse(evidence([replica(0, SENT[:1])], [])).merged.requests, 50_000)
    requests["user"] = np.arange(50_000) // 10
    requests["message"] = np.arange(50_000) % 10
    told = json.loads(gzip.decompress(trace(requests, ["clients"], [], START_NS)))
    assert told["otherData"]["requests_sent"] == 50_000
    assert 0 < told["otherData"]["requests_shown"] <= MAX_REQUESTS
    nothing = json.loads(gzip.decompress(trace(requests[:0], [], [], START_NS)))
    assert spans(nothing, 1) == []
