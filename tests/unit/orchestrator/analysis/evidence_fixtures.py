"""Evidence made by hand: what replicas and a server would have recorded."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from labkit.wire.samples import FAILURES, OUTCOMES, ConnectionRow, Row, request_id
from orchestrator.analysis.analyse import Analysis
from orchestrator.analysis.evidence import Evidence
from orchestrator.results.client_samples import (
    ClientRun,
    LostReplica,
    Replica,
    ReplicaHealth,
)
from orchestrator.results.replica_report import MESSAGE_COUNTS
from orchestrator.results.server_log import Event, log_of
from orchestrator.results.tables import Table

START_NS = 1_000_000_000_000
MS = 1_000_000
FIT = ReplicaHealth(
    cpu_s=0.01, wall_s=1.0, lag_p50_ns=None, lag_p99_ns=None, lag_max_ns=None, lags=0,
    gc_pauses=0, gc_pause_s=0.0,
)  # fmt: skip


def texts(found: Analysis) -> list[str]:
    """Return why a run is invalid, without the kinds of the reasons."""
    return [reason.text for reason in found.inconsistencies]


def at(ms: float) -> int:
    """Return the instant so many milliseconds after the start."""
    return START_NS + round(ms * MS)


class Sent(NamedTuple):
    """A message that a client sent, and when, in milliseconds after the start."""

    user: int
    sent_ms: float
    ended_ms: float
    outcome: str = "acked"
    message: int = 0
    due_ms: float = 0.0

    @property
    def row(self) -> Row:
        """The message as a row of samples."""
        ended_ns = at(self.ended_ms)
        code = OUTCOMES.index(self.outcome)
        due_ns, sent_ns = at(self.due_ms), at(self.sent_ms)
        return Row(self.user, self.message, due_ns, sent_ns, ended_ns, ended_ns, code)


def table(rows: Sequence[tuple[int, ...]], columns: Sequence[str]) -> Table:
    """Return rows of unsigned numbers as a table."""
    return np.array([tuple(row) for row in rows], dtype=[(column, "<u8") for column in columns])


def connection(user: int, connected_ms: float | None = 0.2, port: int = 0) -> ConnectionRow:
    """Return a connection that was begun at 0.1 ms and ended well, or was never established."""
    connected_ns = 0 if connected_ms is None else at(connected_ms)
    code = 1 + FAILURES.index("refused") if connected_ms is None else 0
    return ConnectionRow(user, at(0.1), connected_ns, at(500), code, port or 40_000 + user)


def replica(number: int, sent: Sequence[Sent], **changes: Any) -> Replica:  # noqa: ANN401 any field
    """Return a replica that sent ``sent``, with matching counts, except for ``changes``."""
    outcomes = Counter(each.outcome for each in sent)
    counts = dict.fromkeys(MESSAGE_COUNTS, 0) | {
        "sent": len(sent) - outcomes["retried"],
        "retries": outcomes["retried"],
        "acked": outcomes["acked"],
        "in_flight": outcomes["in_flight"],
        "failed": sum(outcomes[kind] for kind in FAILURES),
    }
    users = sorted({each.user for each in sent})
    connections = changes.pop("connections", [connection(user) for user in users])
    fields: dict[str, Any] = {
        "number": number,
        "group": "clients",
        "begun_ns": at(0.1 + 0.3 * number),
        "end_ns": max((at(each.ended_ms) for each in sent), default=START_NS),
        "planned": len(sent) - outcomes["retried"],
        "counts": counts | changes.pop("counts", {}),
        "errors": dict.fromkeys(FAILURES, 0),
        "health": FIT,
        "messages": table([each.row for each in sent], Row._fields),
        "connections": table(connections, ConnectionRow._fields),
    }
    return Replica(**(fields | changes))


def served(
    user: int, worker: int, started_ms: float, finished_ms: float, replica: int = 0
) -> Event:
    """Return the server's event of a user's first message."""
    return {
        "event": "request_acked",
        "t_ns": at(finished_ms),
        "worker": worker,
        "conn": f"{replica}.{user}",
        "request": request_id(replica, user, 0),
        "received_ns": at(started_ms),
        "started_ns": at(started_ms),
        "finished_ns": at(finished_ms),
    }


def accepted(conn: str, worker: int, t_ms: float, port: int) -> Event:
    """Return the server's event of a connection that it accepted."""
    peer = f"127.0.0.1:{port}"
    return {"event": "accepted", "t_ns": at(t_ms), "worker": worker, "conn": conn, "peer": peer}


def dequeued(conn: str, worker: int, t_ms: float) -> Event:
    """Return the server's event of a connection that a worker took from the queue."""
    return {"event": "dequeued", "t_ns": at(t_ms), "worker": worker, "conn": conn}


def listening(workers: int = 1) -> Event:
    """Return the first event of a server."""
    return {"event": "listening", "t_ns": at(-50), "workers": workers}


STOPPED: Event = {
    "event": "stopped",
    "t_ns": at(900),
    "cpu_user_s": 0.25,
    "cpu_system_s": 0.5,
    "peak_memory_bytes": 1000,
}


def evidence(
    replicas: Sequence[Replica],
    events: Sequence[Event],
    *,
    lost: Sequence[LostReplica] = (),
    **changes: Any,  # noqa: ANN401 any field
) -> Evidence:
    """Return the evidence of a run whose server listened, logged ``events`` and stopped."""
    log = log_of([listening(), *events, STOPPED])
    fields: dict[str, Any] = {
        "inputs": {"workers": 5.0},
        "clients": ClientRun(START_NS, tuple(replicas), tuple(lost), ()),
        "log": log,
        "server_exit_code": 0,
    }
    return Evidence(**(fields | changes))


ONE_AFTER_THE_OTHER = evidence(
    [replica(0, [Sent(0, 1, 101), Sent(1, 2, 201)])],
    [served(0, 1, 1, 101), served(1, 1, 101, 201)],
)
"""Two users of one worker, each with a message of 100 ms."""
