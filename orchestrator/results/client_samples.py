"""Reads what the clients of a case reported, and checks that it is complete.

``clients.json`` has the report of each replica and the lost replicas. Each replica has two tables
more, of the messages it sent and of its connections; see `labkit.wire.samples`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from labkit.wire.samples import FAILURES, OUTCOMES, ConnectionRow, Row
from orchestrator.results.archive import CLIENTS
from orchestrator.results.tables import Table

ACKED = OUTCOMES.index("acked")
MESSAGE_COUNTS = ("sent", "acked", "failed", "unsent", "in_flight")


@dataclass(frozen=True)
class ReplicaHealth:
    """The CPU time of a replica, and its lags in ns, None if it had no scheduled instants.

    A lag is how long after a scheduled instant, an arrival or the end of a think time, the client's
    loop handled it. ``throttled_periods`` is how often the CPU quota of its container was used up,
    None if unknown.
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


@dataclass(frozen=True)
class Replica:
    """What one replica reported: counts, and a row for each message and each connection.

    ``begun_ns`` is when its first connection began; ``planned`` is None if the number of messages
    depends on the run. ``counts`` are messages by their outcome, ``errors`` connections by the
    failure that ended them. ``exit_code`` is that of its program, if known.
    """

    number: int
    group: str
    begun_ns: int
    end_ns: int
    planned: int | None
    counts: Mapping[str, int]
    errors: Mapping[str, int]
    health: ReplicaHealth
    messages: Table
    connections: Table
    exit_code: int | None = None


@dataclass(frozen=True)
class LostReplica:
    """A replica that did not report: where it ran, and the reason."""

    number: int
    group: str
    host: str | None
    reason: str
    planned: int | None


@dataclass(frozen=True)
class ClientRun:
    """What all replicas of a case reported; ``gaps`` say what is missing."""

    start_ns: int
    replicas: tuple[Replica, ...]
    lost: tuple[LostReplica, ...]
    gaps: tuple[str, ...]
    host: Mapping[str, float | None] = field(default_factory=dict)
    """The host's CPU time during the load; see `orchestrator.execution.host`."""

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
    reports = json.loads((folder / CLIENTS).read_text(encoding="utf-8"))
    gaps: list[str] = []
    replicas = tuple(_read_replica(each, folder, gaps) for each in reports["replicas"])
    lost = tuple(
        LostReplica(each["replica"], each["group"], each["host"], each["reason"], each["planned"])
        for each in reports["lost"]
    )
    return ClientRun(reports["start_ns"], replicas, lost, tuple(gaps), reports["host"])


def _read_replica(report: Mapping[str, Any], folder: Path, gaps: list[str]) -> Replica:
    counts = {name: int(report["books"][name]) for name in MESSAGE_COUNTS}
    health = {"throttled_periods": None, **report["health"]}  # older results do not have it
    messages = _read_table(folder / report["samples"], Row._fields, gaps)
    if len(messages) != counts["sent"]:
        gaps.append(f"{report['samples']} holds {len(messages)} of {counts['sent']} samples")
    return Replica(
        number=report["replica"],
        group=report["group"],
        begun_ns=report["first_connect_ns"],
        end_ns=report["end_ns"],
        planned=report["planned"],
        counts=counts,
        errors={kind: int(report["errors"].get(kind, 0)) for kind in FAILURES},
        health=ReplicaHealth(**{each.name: health[each.name] for each in fields(ReplicaHealth)}),
        messages=messages,
        exit_code=report.get("exit_code"),
        connections=_read_table(folder / report["connections"], ConnectionRow._fields, gaps),
    )


def _read_table(path: Path, columns: Sequence[str], gaps: list[str]) -> Table:
    """Return a table of ``columns``; if the file is not one, an empty table and a gap."""
    expected = np.dtype([(column, "<u8") for column in columns])
    try:
        found: Table = np.load(path, allow_pickle=False)
        if found.dtype == expected and found.ndim == 1:
            return found
        reason = f"its columns are {found.dtype}"
    except (OSError, ValueError, EOFError) as exc:
        reason = str(exc)
    gaps.append(f"{path.name} is not a table of {len(columns)} columns: {reason}")
    return np.empty(0, dtype=expected)
