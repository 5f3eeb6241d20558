"""Reads what the clients of a case reported, and checks that it is complete.

``clients.json`` has the report of each replica and the lost replicas. Each replica has two tables
more, of the messages it sent and of its connections; see `labkit.wire.samples`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from labkit.clock import Clock
from labkit.wire.samples import FAILURES, OUTCOMES, ConnectionRow, Row
from orchestrator.results.archive import CLIENTS
from orchestrator.results.replica_report import ReplicaReport, ReportError, read_report
from orchestrator.results.strict_json import read_json
from orchestrator.results.tables import Columns, Table, select

NO_TABLE = (
    OSError, ValueError, EOFError, TypeError, KeyError, SyntaxError, TokenError, RecursionError,
    MemoryError,
)  # fmt: skip
"""What reading a table raises if the file is none; its header is a Python literal."""

MOST_REASON = 200
CODES = max(len(OUTCOMES), 1 + len(FAILURES))
MOST_CELL = {"outcome": CODES - 1, "port": 65_535, "user": 2**32 - 1, "message": 2**32 - 1}
"""Other cells are instants, below 2**63."""

ACKED = OUTCOMES.index("acked")
RETRIED = OUTCOMES.index("retried")
"""An attempt that timed out, after which its message was sent again."""


def without_retried(requests: Columns) -> Columns:
    """Return the rows of the last attempts only: one for each message."""
    return select(requests, requests["outcome"] != RETRIED)


@dataclass(frozen=True)
class ReplicaHealth:
    """The CPU time of a replica, and its lags in ns, None if it had no scheduled instants.

    A lag is how long after a scheduled instant, an arrival or the end of a think time, the client's
    loop handled it. ``throttled_periods`` is how often the CPU quota of its container was used up,
    None if unknown. ``run_delay_s`` is how long its loop was ready and waited for a CPU, None if
    unknown.
    """

    cpu_s: float
    wall_s: float
    lag_p50_ns: int | None
    lag_p99_ns: int | None
    lag_max_ns: int | None
    lags: int
    gc_pauses: int
    gc_pause_s: float
    throttled_periods: int | None = None
    run_delay_s: float | None = None


@dataclass(frozen=True)
class StoredTable:
    """A table of a run that stays in its file: it is read again whenever it is needed.

    Rows of ten million messages have 560 MB, of which an analysis takes a copy at its beginning.
    """

    path: Path
    rows: int

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        cells: npt.NDArray[Any] = self.read()[column]
        return cells

    def read(self) -> Table:
        """Return the table.

        Raises:
            OSError, ValueError: the file has changed meanwhile.
        """
        found: Table = np.load(self.path, allow_pickle=False)
        if len(found) != self.rows:
            raise ValueError(f"{self.path} has changed while it was read")
        return found


@dataclass(frozen=True)
class Replica:
    """What one replica reported: counts, and a row for each attempt to send and each connection.

    ``begun_ns`` is when its first connection began; ``planned`` is None if the number of messages
    depends on the run. ``counts`` are messages by their outcome, and retries; ``errors`` are
    connections by the failure that ended them. ``exit_code`` is that of its program, if known.
    ``clock`` is that of its instants, and ``start_ns`` the common start on it, if known.
    """

    number: int
    group: str
    begun_ns: int
    end_ns: int
    planned: int | None
    counts: Mapping[str, int]
    errors: Mapping[str, int]
    health: ReplicaHealth
    messages: Table | StoredTable
    connections: Table
    exit_code: int | None = None
    clock: Clock | None = None
    start_ns: int | None = None


@dataclass(frozen=True)
class LostReplica:
    """A replica that did not report: where it ran, and the reason."""

    number: int
    group: str
    host: str | None
    reason: str
    planned: int | None


@dataclass(frozen=True)
class MachineLoad:
    """What passed during the load on a machine of several, or on one that is not this one.

    ``name`` has the names of its hosts, ``boot_id`` is that of its kernel, None if unknown.
    ``times`` are as `ClientRun.host`, empty if it did not answer, for a ``reason``.
    """

    name: str
    boot_id: str | None
    times: Mapping[str, float | None]
    reason: str = ""


@dataclass(frozen=True)
class ClientRun:
    """What all replicas of a case reported; ``gaps`` say what is missing.

    ``machines`` are empty if all programs ran on the machine of the orchestrator.
    """

    start_ns: int
    replicas: tuple[Replica, ...]
    lost: tuple[LostReplica, ...]
    gaps: tuple[str, ...]
    host: Mapping[str, float | None] = field(default_factory=dict)
    """The host's CPU time during the load; see `orchestrator.execution.host`."""
    machines: tuple[MachineLoad, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of all groups, in the order of their replicas."""
        group_of = {each.number: each.group for each in self.replicas}
        group_of |= {each.number: each.group for each in self.lost}
        return tuple(dict.fromkeys(group_of[number] for number in sorted(group_of)))


def read_client_run(folder: Path) -> ClientRun:
    """Return what the replicas of a case reported, and the gaps in it.

    Raises:
        OSError, ValueError, KeyError: a file is missing, or the case did not end.
    """
    reports = read_json((folder / CLIENTS).read_bytes())
    gaps: list[str] = []
    replicas = tuple(_read_replicas(reports["replicas"], folder, gaps))
    lost = tuple(
        LostReplica(each["replica"], each["group"], each["host"], each["reason"], each["planned"])
        for each in reports["lost"]
    )
    machines = tuple(MachineLoad(**each) for each in reports.get("machines", ()))
    return ClientRun(reports["start_ns"], replicas, lost, tuple(gaps), reports["host"], machines)


def _read_replicas(
    reports: Sequence[Mapping[str, Any]], folder: Path, gaps: list[str]
) -> Iterator[Replica]:
    """Yield each replica; a report that is none is a gap."""
    for place, report in enumerate(reports):
        try:
            yield _read_replica(report, folder, gaps)
        except ReportError as exc:
            gaps.append(f"{CLIENTS}: the report number {place} is invalid: {exc}")


def _read_replica(report: Mapping[str, Any], folder: Path, gaps: list[str]) -> Replica:
    checked = read_report(report)
    counts, health = checked.counts, checked.health.model_dump()
    path = folder / report["samples"]
    messages: Table | StoredTable = _read_table(path, Row._fields, gaps)
    if len(messages):
        messages = StoredTable(path, len(messages))
    attempts = counts["sent"] + counts["retries"]
    if len(messages) != attempts:
        differ = f"do not agree: {len(messages)} and {attempts}"
        gaps.append(f"{report['samples']} and the number of messages sent {differ}")
    return Replica(
        number=checked.replica,
        group=report["group"],
        begun_ns=checked.first_connect_ns,
        end_ns=checked.end_ns,
        planned=checked.planned,
        counts=counts,
        errors={kind: checked.errors.get(kind, 0) for kind in FAILURES},
        health=ReplicaHealth(**health),
        messages=messages,
        exit_code=report.get("exit_code"),
        start_ns=checked.start_ns,
        clock=_clock_of(checked),
        connections=_read_table(folder / report["connections"], ConnectionRow._fields, gaps),
    )


def _clock_of(report: ReplicaReport) -> Clock | None:
    clock = report.clock
    return None if clock is None else Clock(clock.boot_id, clock.offset_ns)


def _read_table(path: Path, columns: Sequence[str], gaps: list[str]) -> Table:
    """Return a table of ``columns``; if the file is not one, an empty table and a gap."""
    expected = np.dtype([(column, "<u8") for column in columns])
    try:
        _check_header(path, expected)
        found: Table = np.load(path, allow_pickle=False)
        _check_cells(found)
    except NO_TABLE as exc:
        reason = str(exc)[:MOST_REASON]
        gaps.append(f"{path.name} is not a table of {len(columns)} columns: {reason}")
        return np.empty(0, dtype=expected)
    return found


def _check_header(path: Path, expected: "np.dtype[np.void]") -> None:
    """Check that the file holds the rows that its header states, before any is allocated.

    Raises:
        Exception: one of `NO_TABLE`; it does not, or they have other columns.
    """
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"its version is {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        held = path.stat().st_size - file.tell()
    if dtype.hasobject:
        raise ValueError("objects are not read (allow_pickle=False)")
    if dtype != expected or len(shape) != 1:
        raise ValueError(f"its columns are {dtype}")
    if shape[0] * expected.itemsize != held:
        raise ValueError(f"its header states {shape[0]} rows, but {held} bytes follow")


def _check_cells(table: Table) -> None:
    for column in table.dtype.names or ():
        most = MOST_CELL.get(column, 2**63 - 1)
        if len(table) and table[column].max() > most:
            raise ValueError(f"a number in its column {column} is above {most}")
