import json
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.wire.samples import FAILURES, OUTCOMES, ConnectionRow, Row, pack
from orchestrator.analysis.join import merge
from orchestrator.results.archive import CLIENTS
from orchestrator.results.client_samples import read_client_run
from orchestrator.results.server_log import log_of
from tests.unit.orchestrator.analysis.evidence_fixtures import FIT

ACKED = OUTCOMES.index("acked")
FIRST = Row(0, 0, 100, 101, 140, 150, ACKED)
SECOND = [Row(1, 0, 100, 102, 165, 170, ACKED), Row(1, 1, 170, 171, 0, 190, 0)]


def replica(number: int, rows: list[Row], folder: Path, sent: int | None = None) -> dict[str, Any]:
    """Return the report of a replica, and write its tables into ``folder``."""
    names = {kind: f"{kind}-{number:03d}.npy" for kind in ("samples", "connections")}
    cells = array("Q", [cell for row in rows for cell in row])
    (folder / names["samples"]).write_bytes(pack(cells, Row._fields))
    connection = array("Q", ConnectionRow(number, 90, 95, 190, 0, 4711))
    (folder / names["connections"]).write_bytes(pack(connection, ConnectionRow._fields))
    sent = len(rows) if sent is None else sent
    return names | {
        "replica": number,
        "group": "clients",
        "first_connect_ns": 100 + number,
        "end_ns": max((row.ended_ns for row in rows), default=100),
        "planned": sent,
        "books": {"sent": sent, "acked": sent, "failed": 0, "unsent": 0, "in_flight": 0},
        "errors": dict.fromkeys(FAILURES, 0) | {"reset": 1},
        "health": FIT.__dict__,
    }


def clients(folder: Path, *replicas: dict[str, Any], lost: tuple[dict[str, Any], ...] = ()) -> None:
    host = {"wall_s": 1.0, "cpus": 2.0}
    told = {"start_ns": 100, "replicas": replicas, "lost": lost, "host": host}
    (folder / CLIENTS).write_text(json.dumps(told))


def test_samples_that_change_while_they_are_analysed_are_refused(tmp_path: Path) -> None:
    clients(tmp_path, replica(0, SECOND, tmp_path))
    (read,) = read_client_run(tmp_path).replicas
    assert len(read.messages) == 2
    assert read.messages["sent_ns"].tolist() == [102, 171]
    replica(0, [FIRST], tmp_path)
    with pytest.raises(ValueError, match=r"samples-000\.npy has changed while it was read"):
        read.messages["sent_ns"]


def test_replicas_and_who_was_lost_are_read(tmp_path: Path) -> None:
    lost = {"replica": 2, "group": "slow", "host": None, "reason": "it hung", "planned": 7}
    clients(tmp_path, replica(0, [FIRST], tmp_path), replica(1, SECOND, tmp_path), lost=(lost,))
    run = read_client_run(tmp_path)
    assert run.start_ns == 100
    assert [each.begun_ns for each in run.replicas] == [100, 101]
    assert run.replicas[1].counts["sent"] == 2
    assert run.replicas[1].errors["reset"] == 1
    assert run.replicas[1].health == FIT
    assert run.groups == ("clients", "slow")
    assert [each.reason for each in run.lost] == ["it hung"]
    assert run.host["cpus"] == 2
    assert run.gaps == ()


def test_tables_of_all_replicas_become_one_in_the_order_of_sending(tmp_path: Path) -> None:
    clients(tmp_path, replica(1, SECOND, tmp_path), replica(0, [FIRST], tmp_path))
    merged = merge(read_client_run(tmp_path), log_of([]))
    columns = ["replica", "user", "message", "sent_ns", "first_byte_ns", "ended_ns", "outcome"]
    assert merged.requests[columns].tolist() == [
        (0, 0, 0, 101, 140, 150, ACKED),
        (1, 1, 0, 102, 165, 170, ACKED),
        (1, 1, 1, 171, 0, 190, OUTCOMES.index("in_flight")),
    ]
    assert merged.requests["connected_ns"].tolist() == [95, 95, 95]
    assert merged.connections["port"].tolist() == [4711, 4711]


def test_missing_samples_are_a_gap(tmp_path: Path) -> None:
    clients(tmp_path, replica(0, [FIRST], tmp_path, sent=2))
    assert read_client_run(tmp_path).gaps == (
        "samples-000.npy and the number of messages sent do not agree: 1 and 2",
    )


@pytest.mark.parametrize("content", [b"", b"torn", pack(array("Q", [1, 2]), ("user", "due_ns"))])
def test_a_table_that_is_none_is_a_gap_and_never_a_crash(tmp_path: Path, content: bytes) -> None:
    told = replica(0, [FIRST], tmp_path)
    (tmp_path / told["samples"]).write_bytes(content)
    clients(tmp_path, told)
    first, second = read_client_run(tmp_path).gaps
    assert first.startswith("samples-000.npy is not a table of 7 columns")
    assert second == "samples-000.npy and the number of messages sent do not agree: 0 and 1"


def test_a_table_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    told = replica(0, [], tmp_path)
    np.save(tmp_path / told["connections"], np.array([{}], dtype=object))
    clients(tmp_path, told)
    (gap,) = read_client_run(tmp_path).gaps
    assert "allow_pickle=False" in gap


def header(shape: str, descr: str | None = None) -> bytes:
    """Return a file with a header only, as a replica could send it."""
    columns = descr or repr([(column, "<u8") for column in Row._fields])
    text = f"{{'descr': {columns}, 'fortran_order': False, 'shape': {shape}, }}".ljust(310) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        header("(1000000000000,)"), header("(-1,)"), header("()"), header("(1, 1)"),
        header("(10**12,)"), header("(1,)", "'|O'"), header("(" * 60), header("(1.5,)"),
        b"\x93NUMPY\x03\x00" + b"\xff" * 8, b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65_535,
    ],
)  # fmt: skip
def test_a_header_that_states_more_than_follows_allocates_nothing(
    tmp_path: Path, content: bytes
) -> None:
    told = replica(0, [FIRST], tmp_path)
    (tmp_path / told["samples"]).write_bytes(content)
    clients(tmp_path, told)
    first, _ = read_client_run(tmp_path).gaps
    assert first.startswith("samples-000.npy is not a table of 7 columns")


@pytest.mark.parametrize(
    ("column", "cell"),
    [("outcome", 99), ("user", 2**32), ("message", 2**40), ("ended_ns", 2**63)],
)
def test_a_cell_that_its_column_cannot_hold_is_a_gap(
    tmp_path: Path, column: str, cell: int
) -> None:
    told = replica(0, [FIRST._replace(**{column: cell})], tmp_path)
    clients(tmp_path, told | {"end_ns": 150})
    assert f"a number in its column {column} is above" in read_client_run(tmp_path).gaps[0]


def test_a_stored_report_that_is_none_is_a_gap_and_the_others_are_read(tmp_path: Path) -> None:
    strange = replica(1, SECOND, tmp_path) | {"end_ns": 10**400}
    clients(tmp_path, replica(0, [FIRST], tmp_path), strange)
    run = read_client_run(tmp_path)
    assert [each.number for each in run.replicas] == [0]
    (gap,) = run.gaps
    assert gap.startswith("clients.json: the report number 1 is invalid: end_ns: ")
