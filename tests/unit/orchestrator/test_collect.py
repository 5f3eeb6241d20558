import json
from array import array
from pathlib import Path
from typing import Any

import pytest

from labkit.samples import FAILURES, OUTCOMES, Row, pack
from orchestrator.archive import CLIENTS, SERVER_LOG
from orchestrator.collect import read_client_run, read_server_log

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
    assert found.first("accepted") is None


def test_a_lost_line_is_counted(tmp_path: Path) -> None:
    counts = {"counts": {"listening": 1, "request_acked": 2, "stopped": 1}}
    found = read_server_log(log(tmp_path, LISTENING, {"event": "request_acked"}, STOPPED | counts))
    assert found.gaps == ("server.log holds 1 of 2 events request_acked",)


def test_a_doubled_line_is_counted(tmp_path: Path) -> None:
    found = read_server_log(log(tmp_path, LISTENING, LISTENING, STOPPED))
    assert found.gaps == ("server.log holds 2 of 1 events listening",)


def test_a_log_without_its_end_may_lack_anything(tmp_path: Path) -> None:
    found = read_server_log(log(tmp_path, LISTENING))
    assert found.gaps == ("server.log does not end with the event stopped",)


@pytest.mark.parametrize("line", ["torn {", "[1]", '{"t_ns": 5}', '{"event": 5}', "Traceback"])
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: str) -> None:
    found = read_server_log(log(tmp_path, LISTENING, line, STOPPED))
    assert found.gaps[0].startswith("server.log:2 is no event")


def replica(number: int, rows: list[Row], folder: Path, sent: int | None = None) -> dict[str, Any]:
    name = f"samples-{number:03d}.bin"
    values = array("Q", [cell for row in rows for cell in row])
    (folder / name).write_bytes(pack(values))
    sent = len(rows) if sent is None else sent
    return {
        "replica": number,
        "first_connect_ns": 100 + number,
        "end_ns": max((row.ended_ns for row in rows), default=100),
        "books": {"sent": sent, "acked": sent, "failed": 0, "unsent": 0, "in_flight": 0},
        "errors": dict.fromkeys(FAILURES, 0) | {"reset": 1},
        "samples": name,
    }


def clients(folder: Path, *replicas: dict[str, Any]) -> None:
    (folder / CLIENTS).write_text(json.dumps({"start_ns": 100, "replicas": replicas}))


ACKED = OUTCOMES.index("acked")


def test_replicas_add_up(tmp_path: Path) -> None:
    clients(
        tmp_path,
        replica(0, [Row(0, 0, 100, 101, 150, ACKED)], tmp_path),
        replica(1, [Row(1, 0, 100, 102, 170, ACKED), Row(1, 1, 170, 171, 190, 0)], tmp_path),
    )
    run = read_client_run(tmp_path)
    assert (run.start_ns, run.end_ns, run.started_ns) == (100, 190, (100, 101))
    assert run.books["sent"] == 3
    assert run.errors["reset"] == 2
    assert [each.request for each in run.samples] == ["r0.c0.m0", "r1.c1.m0", "r1.c1.m1"]
    assert [each.outcome for each in run.samples] == ["acked", "acked", "in_flight"]
    assert run.gaps == ()


def test_missing_samples_are_a_gap(tmp_path: Path) -> None:
    clients(tmp_path, replica(0, [Row(0, 0, 100, 101, 150, ACKED)], tmp_path, sent=2))
    assert read_client_run(tmp_path).gaps == ("samples-000.bin holds 1 of 2 samples",)
