"""Reads what the clients of a case left in its folder, and says what of it is missing.

``clients.json`` is what each replica says of itself and who was lost; beside it lie two tables for
each replica, of the messages it sent and of its connections; see `labkit.wire.wire.samples`.
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


BOOKS = ("sent", "acked", "failed", "unsent", "in_flight")


@dataclass(frozen=True)
class Health:
    """What a replica cost and how late it was; lags in ns, None where nothing was due by a clock.

    A lag is how long after an instant that was set beforehand, an arrival or the end of a think
    time, the client's loop took it up. ``throttled_periods`` is how often its container had used up
    a quota of CPU, None if unknown.
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

    ``begun_ns`` is when it really began; ``planned`` is None where only the run could tell how many
    messages there would be. ``books`` count messages by what became of them, ``errors`` connections
    by the kind of failure that ended them. ``exit_code`` is that of its program, where it is known.
    """

    number: int
    group: str
    begun_ns: int
    end_ns: int
    planned: int | None
    books: Mapping[str, int]
    errors: Mapping[str, int]
    health: Health
    messages: Table
    connections: Table
    exit_code: int | None = None


@dataclass(frozen=True)
class Lost:
    """A replica that did not report, where it was, and why."""

    number: int
    group: str
    host: str | None
    reason: str
    planned: int | None


@dataclass(frozen=True)
class ClientRun:
    """What all replicas of a case did together, from their common start on."""

    start_ns: int
    replicas: tuple[Replica, ...]
    lost: tuple[Lost, ...]
    gaps: tuple[str, ...]
    host: Mapping[str, float | None] = field(default_factory=dict)
    """What passed on the host from the start to the last result; see `orchestrator.execution.host`."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of all groups, in the order of their replicas."""
        group_of = {each.number: each.group for each in self.replicas}
        group_of |= {each.number: each.group for each in self.lost}
        return tuple(dict.fromkeys(group_of[number] for number in sorted(group_of)))


def read_client_run(folder: Path) -> ClientRun:
    """Return what the replicas of a case reported, and where their tables are not all there.

    Raises:
        OSError, ValueError, KeyError: it is not there, or was not written by a case that ended.
    """
    told = json.loads((folder / CLIENTS).read_text(encoding="utf-8"))
    gaps: list[str] = []
    replicas = tuple(_read_replica(each, folder, gaps) for each in told["replicas"])
    lost = tuple(
        Lost(each["replica"], each["group"], each["host"], each["reason"], each["planned"])
        for each in told["lost"]
    )
    return ClientRun(told["start_ns"], replicas, lost, tuple(gaps), told["host"])


def _read_replica(told: Mapping[str, Any], folder: Path, gaps: list[str]) -> Replica:
    books = {name: int(told["books"][name]) for name in BOOKS}
    health = {"throttled_periods": None, **told["health"]}  # results of before do not have it
    messages = _read_table(folder / told["samples"], Row._fields, gaps)
    if len(messages) != books["sent"]:
        gaps.append(f"{told['samples']} holds {len(messages)} of {books['sent']} samples")
    return Replica(
        number=told["replica"],
        group=told["group"],
        begun_ns=told["first_connect_ns"],
        end_ns=told["end_ns"],
        planned=told["planned"],
        books=books,
        errors={kind: int(told["errors"].get(kind, 0)) for kind in FAILURES},
        health=Health(**{each.name: health[each.name] for each in fields(Health)}),
        messages=messages,
        exit_code=told.get("exit_code"),
        connections=_read_table(folder / told["connections"], ConnectionRow._fields, gaps),
    )


def _read_table(path: Path, columns: Sequence[str], gaps: list[str]) -> Table:
    """Return a table of ``columns``; an empty one, and a gap, where the file is none."""
    expected = np.dtype([(column, "<u8") for column in columns])
    try:
        found: Table = np.load(path, allow_pickle=False)
        if found.dtype == expected and found.ndim == 1:
            return found
        reason = f"its columns are {found.dtype}"
    except (OSError, ValueError, EOFError) as exc:
        reason = str(exc)
    gaps.append(f"{path.name} is no table of {len(columns)} columns: {reason}")
    return np.empty(0, dtype=expected)
