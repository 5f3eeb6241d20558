"""The measures of one run, computed from its raw files by code that shares nothing with the lab.

Plain loops over the files that docs/results.md describes; the definitions are those of
docs/measures.md. No import of `orchestrator`, `labkit` or `client`.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ACKED = 1


def recompute(raw: Path, warmup_s: float = 0.0) -> dict[str, float | None]:
    """Return the measures of the run in ``raw`` by their keys in ``summary.json``."""
    clients = json.loads((raw / "clients.json").read_text())
    begin_ns = clients["start_ns"] + round(warmup_s * 1e9)
    messages, connections = _rows(raw, "samples-*.npy"), _rows(raw, "connections-*.npy")
    events = [json.loads(line) for line in (raw / "server.log").read_text().splitlines()]
    end_ns = max(replica["end_ns"] for replica in clients["replicas"])
    counted = [row for row in messages if row["due_ns"] >= begin_ns]
    served = _served(events, counted)
    return {
        "sent": len(messages),
        "acked": sum(row["outcome"] == ACKED for row in messages),
        "errors": sum(row["outcome"] != 0 for row in connections),
        "connected": sum(row["connected_ns"] > 0 for row in connections),
        "makespan_s": (end_ns - begin_ns) / 1e9,
        **_times(counted),
        **_service(served, _workers(events), (end_ns - begin_ns) / 1e9),
        **_of_workers(events),
    }


def _rows(raw: Path, pattern: str) -> list[dict[str, int]]:
    """Return the rows of all tables, each with the number of its replica."""
    found: list[dict[str, int]] = []
    for path in sorted(raw.glob(pattern)):
        table = np.load(path)
        replica = int(path.stem.rpartition("-")[2])
        names = ("replica", *(table.dtype.names or ()))
        found += [dict(zip(names, (replica, *row), strict=True)) for row in table.tolist()]
    return found


def _times(rows: Iterable[Mapping[str, int]]) -> dict[str, float | None]:
    acked = [row for row in rows if row["outcome"] == ACKED]
    response_s = sorted((row["ended_ns"] - row["due_ns"]) / 1e9 for row in acked)
    exchange_s = sorted((row["ended_ns"] - row["sent_ns"]) / 1e9 for row in acked)
    return {
        "response_time_mean_s": math.fsum(response_s) / len(response_s),
        "response_time_p50_s": _nearest_rank(response_s, 50),
        "response_time_p90_s": _nearest_rank(response_s, 90),
        "response_time_max_s": response_s[-1],
        "exchange_time_mean_s": math.fsum(exchange_s) / len(exchange_s),
        "exchange_time_p50_s": _nearest_rank(exchange_s, 50),
    }


def _nearest_rank(ordered: list[float], percent: int) -> float:
    """Return the smallest value that at least ``percent`` of all do not exceed."""
    rank = next(n for n in range(1, len(ordered) + 1) if 100 * n >= percent * len(ordered))
    return ordered[rank - 1]


def _served(
    events: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, int]]
) -> list[tuple[int, Mapping[str, Any]]]:
    """Return when each message of ``rows`` was due, with the event of its ack."""
    acks = {event["request"]: event for event in events if event["event"] == "request_acked"}
    found = []
    for row in rows:
        ack = acks.get(f"r{row['replica']}.c{row['user']}.m{row['message']}")
        if ack is not None:
            found.append((row["due_ns"], ack))
    return found


def _service(
    served: list[tuple[int, Mapping[str, Any]]], workers: int, makespan_s: float
) -> dict[str, float | None]:
    waits_s = [(ack["started_ns"] - due_ns) / 1e9 for due_ns, ack in served]
    busy_s = [(ack["finished_ns"] - ack["started_ns"]) / 1e9 for _, ack in served]
    begins = [ack["started_ns"] for _, ack in served]
    together = [
        sum(ack["started_ns"] <= begin < ack["finished_ns"] for _, ack in served)
        for begin in begins
    ]
    return {
        "waiting_time_mean_s": math.fsum(waits_s) / len(waits_s),
        "peak_in_service": max(together),
        "time_in_service_s": math.fsum(busy_s) / len(busy_s),
        "utilization": math.fsum(busy_s) / (workers * makespan_s),
    }


def _workers(events: Iterable[Mapping[str, Any]]) -> int:
    return int(next(event for event in events if event["event"] == "listening")["workers"])


def _of_workers(events: list[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return how connections are shared; a queue's worker is the one that dequeued."""
    worker: dict[str, int] = {}
    for event in events:
        if event["event"] == "accepted":
            worker.setdefault(event["conn"], event["worker"])
    for event in events:
        if event["event"] == "dequeued":
            worker[event["conn"]] = event["worker"]
    shares = [
        sum(each == number for each in worker.values()) for number in range(1, _workers(events) + 1)
    ]
    return {
        "workers": _workers(events),
        "workers_used": sum(share > 0 for share in shares),
        "connections_per_worker_min": min(shares),
        "connections_per_worker_max": max(shares),
        "fairness_connections": sum(shares) ** 2 / (len(shares) * sum(s * s for s in shares)),
        "cpu_time_s": next(
            event["cpu_user_s"] + event["cpu_system_s"]
            for event in events
            if event["event"] == "stopped"
        ),
    }
