import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.archive import SERVER_LOG
from orchestrator.results.server_log import log_of, read_server_log
from tests.unit.orchestrator.analysis.evidence_fixtures import accepted, at, dequeued, served

LISTENING = {"event": "listening", "t_ns": 5, "workers": 1}
STARTED = {"event": "started", "t_ns": 4}
STOPPED = {
    "event": "stopped",
    "t_ns": 900,
    "counts": {"listening": 1, "stopped": 1},
    "cpu_user_s": 0.5,
    "cpu_system_s": 0,
    "peak_memory_bytes": 1000,
}


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
    worker = {"event": "worker_started", "t_ns": 4}
    counts = {"started": 1, "worker_started": 2, "listening": 1, "stopped": 1}
    start = (STARTED, worker, worker, LISTENING, STOPPED | {"counts": counts})
    assert read_server_log(log(tmp_path, *start, *start)).gaps == ()
    killed = read_server_log(log(tmp_path, *start[:-1], *start))
    assert killed.gaps == ("server.log does not end with the event stopped",)
    uncounted = read_server_log(log(tmp_path, *start, *start[:2], *start[3:]))
    assert uncounted.gaps == ("server.log holds 1 of 2 events worker_started",)


def test_a_pool_of_an_older_version_that_is_started_again_has_no_gaps(tmp_path: Path) -> None:
    worker = {"event": "worker_started", "t_ns": 4}
    counts = {"worker_started": 1, "listening": 1, "stopped": 1}
    start = (worker, LISTENING, STOPPED | {"counts": counts})
    assert read_server_log(log(tmp_path, *start, *start)).gaps == ()


def test_a_log_without_its_end_may_lack_anything(tmp_path: Path) -> None:
    found = read_server_log(log(tmp_path, LISTENING))
    assert found.gaps == ("server.log does not end with the event stopped",)


HOSTILE = (
    '"2"', "null", "true", "-1", "2.5", "1e999", "NaN", "Infinity", "[]", "{}",
    "9" * 400, "9" * 5000, "1" + "0" * 30,
)  # fmt: skip
BAD_LINES = [
    "torn {",
    "[1]",
    '{"t_ns": 5}',
    '{"event": 5}',
    "Traceback",
    '{"event": "request_acked", "request": "r0.c0.m0"}',
    '{"event": "accepted", "conn": "1", "worker": 1, "t_ns": 5, "peer": "nowhere"}',
    '{"event": "dequeued", "conn": "1", "worker": -1, "t_ns": 5}',
    '{"event": "dequeued", "conn": ["1"], "worker": 1, "t_ns": 5}',
    '{"event": "listening", "t_ns": 5}',
    *(f'{{"event": "listening", "t_ns": 5, "workers": {value}}}' for value in HOSTILE),
    *(f'{{"event": "listening", "t_ns": {value}, "workers": 1}}' for value in HOSTILE),
    *(f'{{"event": "stopped", "t_ns": 5, "cpu_user_s": {value}, "cpu_system_s": 0, '
      '"peak_memory_bytes": 1}' for value in HOSTILE if value != "2.5"),
    *(f'{{"event": "drain_begun", "t_ns": 5, "accept_queue_reset": {value}}}' for value in HOSTILE),
    '{"event": "started", "t_ns": 5, "t_ns": 6}',
    '{"event": "started", "t_ns": 5, "more": {"a": 1, "a": 2}}',
    '{"event": "started", "t_ns": 5, "more": NaN}',
    '{"event": {}, "t_ns": 5}',
    f'{{"event": "{"x" * 300}", "t_ns": 5}}',
    '{"event":"x","t_ns":5,"more":' + "[" * 16_000,
    '{"event":"x","t_ns":5,"more":"' + "y" * 1_000_000 + '"}',
    "\xff\xfe{",
]  # fmt: skip


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:60])
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


def test_the_message_names_the_field(tmp_path: Path) -> None:
    line = '{"event": "listening", "t_ns": 5, "workers": "five"}'
    found = read_server_log(log(tmp_path, STARTED, line))
    assert found.gaps[0].startswith("server.log:2 is not an event (workers is 'five'): ")
    assert found.is_event_log


@pytest.mark.parametrize(
    "counts", ["5", "[]", '{"started": "1"}', '{"started": -1}', '{"started": 1e400}',
               str({f"{n}": 1 for n in range(200)}).replace("'", '"')],
)  # fmt: skip
def test_counts_that_are_none_are_a_gap(tmp_path: Path, counts: str) -> None:
    end = json.dumps(STOPPED | {"counts": "COUNTS"}).replace('"COUNTS"', counts)
    found = read_server_log(log(tmp_path, LISTENING, end))
    assert found.gaps[0].startswith("server.log:2 is not an event")
    assert found.gaps[-1] == "server.log does not end with the event stopped"


def test_many_bad_lines_are_counted_and_a_few_named(tmp_path: Path) -> None:
    found = read_server_log(log(tmp_path, LISTENING, *["nonsense"] * 1000, STOPPED))
    assert len(found.gaps) == 21
    assert found.gaps[-1] == "server.log: further lines that are not events: 980"


def test_a_number_that_no_column_can_hold_is_a_gap(tmp_path: Path) -> None:
    """The rows are checked all at once, since there may be a million."""
    late = dict(served(0, 1, 1, 2)) | {"finished_ns": 2**64 - 1}
    nobody = dict(served(1, 1, 1, 2)) | {"worker": 70_000}
    port = dict(accepted("1.1", 1, 10, port=70_000))
    counts = {"counts": {"listening": 1, "request_acked": 2, "accepted": 1, "stopped": 1}}
    whole = log(tmp_path, LISTENING, late, nobody, port, STOPPED | counts)
    found = read_server_log(whole)
    assert found.gaps == ("3 events have an instant, a worker or a port out of bounds",)
    assert len(found.served) == 0
    assert not found.accepted["port"].any()


def test_a_log_that_was_cut_is_a_gap_even_if_the_server_was_killed(tmp_path: Path) -> None:
    """As by a log driver that rotates: the first lines are missing, not the last ones."""
    acked = dict(served(0, 1, 1, 2))
    cut = read_server_log(log(tmp_path, acked, acked))
    assert cut.is_event_log
    assert cut.gaps_besides(kills=1, is_worker_killed=True) == [
        "server.log does not begin with the events started and listening: first lines are lost"
    ]
    killed = read_server_log(log(tmp_path, STARTED, LISTENING, acked))
    assert killed.gaps_besides(kills=1, is_worker_killed=False) == []
    assert killed.gaps_besides(kills=0, is_worker_killed=True) == [
        "server.log does not end with the event stopped"
    ]
    empty = read_server_log(log(tmp_path))
    assert empty.gaps_besides(kills=1, is_worker_killed=False) == ["server.log is empty"]


def test_a_killed_worker_explains_the_lines_that_it_had_not_written_and_no_others(
    tmp_path: Path,
) -> None:
    counts = {"listening": 1, "request_acked": 2, "drain_begun": 1, "stopped": 1}
    found = read_server_log(log(tmp_path, LISTENING, STOPPED | {"counts": counts}))
    lost = [f"server.log holds 0 of {n} events {e}" for n, e in
            ((1, "drain_begun"), (2, "request_acked"))]  # fmt: skip
    assert found.gaps_besides(kills=0, is_worker_killed=False) == lost
    assert found.gaps_besides(kills=0, is_worker_killed=True) == lost[:1]


def test_a_targets_own_log_is_no_event_log(tmp_path: Path) -> None:
    own = ("Listening on 80", '{"event": "started", "level": "info"}', '{"msg": 1}')
    assert not read_server_log(log(tmp_path, *own)).is_event_log
    assert read_server_log(log(tmp_path, '{"event":"listening"}')).is_event_log
