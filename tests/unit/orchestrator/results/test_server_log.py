import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.archive import SERVER_LOG
from orchestrator.results.server_log import log_of, read_server_log
from tests.unit.orchestrator.analysis.evidence_fixtures import accepted, at, dequeued, served

LISTENING = {"event": "listening", "workers": 1}
STOPPED = {"event": "stopped", "counts": {"listening": 1, "stopped": 1}}


def log(folder: Path, *lines: dict[str, Any] | str) -> Path:
    path = folder / SERVER_LOG
    path.write_text(
        "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    )
    return path


def test_a_complete_log_has_no_gaps(tmp_path: Path) -> None:
    found = read_server_log(log(tmp_path, LISTENING, STOPPED))
    assert found.gaps == ()
    assert found.first("listening") == LISTENING
    assert found.first("worker_exited") is None


def test_a_lost_line_is_counted(tmp_path: Path) -> None:
    counts = {"counts": {"listening": 1, "request_acked": 2, "stopped": 1}}
    acked = dict(served(0, 1, 1, 2))
    found = read_server_log(log(tmp_path, LISTENING, acked, STOPPED | counts))
    assert found.gaps == ("server.log holds 1 of 2 events request_acked",)


def test_a_doubled_line_is_counted(tmp_path: Path) -> None:
    acked = dict(served(0, 1, 1, 2))
    counts = {"counts": {"listening": 1, "request_acked": 1, "stopped": 1}}
    found = read_server_log(log(tmp_path, LISTENING, acked, acked, STOPPED | counts))
    assert found.gaps == ("server.log holds 2 of 1 events request_acked",)


def test_each_start_of_a_server_has_its_own_count_and_its_own_connections(tmp_path: Path) -> None:
    first, second = (dict(accepted("1.1", 1, t, port=50_000 + t)) for t in (10, 900))
    counts = {"counts": {"listening": 1, "accepted": 1, "stopped": 1}}
    whole = log(tmp_path, LISTENING, first, STOPPED | counts, LISTENING, second, STOPPED | counts)
    found = read_server_log(whole)
    assert found.gaps == ()
    assert found.accepted["port"].tolist() == [50_010, 50_900]
    cut = read_server_log(log(tmp_path, LISTENING, first, LISTENING, second, STOPPED | counts))
    assert cut.gaps == ("server.log does not end with the event stopped",)


def test_a_pool_that_is_started_again_has_no_gaps(tmp_path: Path) -> None:
    """Its workers are started before it listens, and `started` is before both."""
    started, worker = {"event": "started"}, {"event": "worker_started"}
    counts = {"started": 1, "worker_started": 2, "listening": 1, "stopped": 1}
    start = (started, worker, worker, LISTENING, STOPPED | {"counts": counts})
    assert read_server_log(log(tmp_path, *start, *start)).gaps == ()
    killed = read_server_log(log(tmp_path, *start[:-1], *start))
    assert killed.gaps == ("server.log does not end with the event stopped",)
    uncounted = read_server_log(log(tmp_path, *start, *start[:2], *start[3:]))
    assert uncounted.gaps == ("server.log holds 1 of 2 events worker_started",)


def test_a_pool_of_an_older_version_that_is_started_again_has_no_gaps(tmp_path: Path) -> None:
    worker = {"event": "worker_started"}
    counts = {"worker_started": 1, "listening": 1, "stopped": 1}
    start = (worker, LISTENING, STOPPED | {"counts": counts})
    assert read_server_log(log(tmp_path, *start, *start)).gaps == ()


def test_a_log_without_its_end_may_lack_anything(tmp_path: Path) -> None:
    found = read_server_log(log(tmp_path, LISTENING))
    assert found.gaps == ("server.log does not end with the event stopped",)


BAD_LINES = [
    "torn {",
    "[1]",
    '{"t_ns": 5}',
    '{"event": 5}',
    "Traceback",
    '{"event": "request_acked", "request": "r0.c0.m0"}',
    '{"event": "accepted", "conn": "1", "worker": 1, "t_ns": 5, "peer": "nowhere"}',
    '{"event": "dequeued", "conn": "1", "worker": -1, "t_ns": 5}',
]


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: str) -> None:
    found = read_server_log(log(tmp_path, LISTENING, line, STOPPED))
    assert found.gaps[0].startswith("server.log:2 is not an event")


def test_requests_and_connections_are_rows() -> None:
    found = log_of([accepted("0.7", 0, 5, 4711), dequeued("0.7", 2, 6), served(7, 2, 8, 9)])
    (request,), (connection,) = found.served, found.accepted
    assert (request["user"], request["worker"], request["conn"]) == (7, 2, 0)
    assert request["acked_ns"] == at(9)
    assert connection.tolist() == (at(5), at(6), 2, 4711)
    assert found.events == ()


def test_a_request_without_an_id_of_ours_is_a_stranger() -> None:
    found = log_of([{**served(7, 2, 8, 9), "request": "anything"}])
    assert (found.unknown_requests, len(found.served)) == (1, 0)
