"""One run as Chrome trace events, which Perfetto and ``chrome://tracing`` open.

A track for each worker, with the requests that it serves, and one for each connection, with the
stages of its requests; spans that overlap are on several tracks. The format is "Trace Event Format"
(Chromium, 2016): complete events, in microseconds.
"""

import gzip
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from labkit.wire.samples import OUTCOMES, request_id
from orchestrator.analysis.breakdown import STAGE_ENDS, reached_ns
from orchestrator.analysis.chart_data import assign_rows
from orchestrator.analysis.excerpt import choose_users
from orchestrator.results.client_samples import ACKED
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.strict_json import to_json
from orchestrator.results.tables import Rows, Table

MAX_REQUESTS = 5_000
"""A trace has at most this many, of evenly chosen users, so that a viewer opens it quickly."""

WORKERS, CONNECTIONS, FAULTS = 1, 2, 3
NS_PER_US = 1000
Event = dict[str, Any]


def trace(
    requests: Table, groups: Sequence[str], faults: Sequence[FaultRecord], start_ns: int
) -> bytes:
    """Return the trace of a run that began at ``start_ns``, as JSON under gzip.

    ``requests`` are as `orchestrator.analysis.join` makes them, ``groups`` the names of the groups.
    """
    users = choose_users(requests, MAX_REQUESTS)
    chosen = np.sort(np.concatenate([*users, np.empty(0, np.intp)])).astype(np.intp)
    events = [
        *_names(WORKERS, "server", ()),
        *_worker_events(requests[chosen]),
        *_names(CONNECTIONS, "connections", ()),
        *_connection_events(requests, users, groups),
        *_fault_events(faults),
    ]
    for event in events:
        if "ts" in event:
            event["ts"] = (event["ts"] - start_ns) / NS_PER_US
    shown = {"requests_shown": len(chosen), "requests_sent": len(requests)}
    document = {"displayTimeUnit": "ms", "otherData": shown, "traceEvents": events}
    text = to_json(document)
    return gzip.compress(text.encode(), mtime=0)  # mtime=0: the same run gives the same bytes


def _worker_events(requests: Table) -> Iterator[Event]:
    served = requests[requests["finished_ns"] > 0]
    for worker in np.unique(served["worker"]).tolist():
        own = served[served["worker"] == worker]
        own = own[np.argsort(own["started_ns"], kind="stable")]
        tracks = _tracks(own["started_ns"], own["finished_ns"])
        for row, track in zip(own, tracks, strict=True):
            span = (int(row["started_ns"]), int(row["finished_ns"]))
            yield _span(WORKERS, _id(worker, track), _request(row), span)
        names = [(_id(worker, track), f"worker {worker}") for track in sorted(set(tracks))]
        yield from _names(WORKERS, "", names)


def _connection_events(
    requests: Table, users: Sequence[Rows], groups: Sequence[str]
) -> Iterator[Event]:
    for number, rows in enumerate(users, start=1):
        own = requests[rows]
        group = f"{groups[own['group'][0]]} " if len(groups) > 1 else ""
        tracks = _tracks(own["due_ns"], own["ended_ns"])
        for row, at_ns, track in zip(own, reached_ns(own), tracks, strict=True):
            yield from _stage_events(row, at_ns, _id(number, track))
        name = f"{group}user {own['user'][0]}"
        names = [(_id(number, track), name) for track in sorted(set(tracks))]
        yield from _names(CONNECTIONS, "", names)


def _stage_events(row: np.void, at_ns: Table, track: int) -> Iterator[Event]:
    """Yield an event for each stage of a request, or one with its outcome if it was not acked."""
    if row["outcome"] != ACKED:
        whole = (int(row["due_ns"]), int(row["ended_ns"]))
        yield _span(CONNECTIONS, track, OUTCOMES[row["outcome"]], whole, _request(row))
        return
    begun_ns = int(row["due_ns"])
    for (stage, _), ended_ns in zip(STAGE_ENDS, at_ns.tolist(), strict=True):
        if ended_ns > begun_ns:
            name = stage.replace("_", " ")
            yield _span(CONNECTIONS, track, name, (begun_ns, ended_ns), _request(row))
        begun_ns = ended_ns


def _fault_events(faults: Sequence[FaultRecord]) -> Iterator[Event]:
    effective = [fault for fault in faults if fault.effect_ns is not None]
    for number, fault in enumerate(effective):
        begun_ns = fault.effect_ns or 0
        span = (begun_ns, max(fault.reverted_ns or fault.ending_ns or begun_ns, begun_ns + 1000))
        yield _span(FAULTS, number, fault.fault, span)
    if effective:
        yield from _names(FAULTS, "faults", [(n, fault.fault) for n, fault in enumerate(effective)])


def _tracks(begun_ns: Table, ended_ns: Table) -> list[int]:
    return assign_rows(list(zip(begun_ns.tolist(), ended_ns.tolist(), strict=True)))


def _id(number: int, track: int) -> int:
    return number * 10_000 + track


def _request(row: np.void) -> str:
    return request_id(int(row["replica"]), int(row["user"]), int(row["message"]))


def _span(
    process: int, track: int, name: str, span_ns: tuple[int, int], request: str = ""
) -> Event:
    """Return a complete event; its instant is still absolute, in ns."""
    begun_ns, ended_ns = span_ns
    args = {"args": {"request": request}} if request else {}
    return {
        "ph": "X", "pid": process, "tid": track, "name": name,
        "ts": begun_ns, "dur": (ended_ns - begun_ns) / NS_PER_US, **args,
    }  # fmt: skip


def _names(process: int, name: str, tracks: Sequence[tuple[int, str]]) -> Iterator[Event]:
    """Yield the name of a process, unless it is empty, and the names of its tracks."""
    if name:
        yield {"ph": "M", "pid": process, "name": "process_name", "args": {"name": name}}
    for track, text in tracks:
        yield {
            "ph": "M", "pid": process, "tid": track, "name": "thread_name", "args": {"name": text},
        }  # fmt: skip
        yield {
            "ph": "M", "pid": process, "tid": track, "name": "thread_sort_index",
            "args": {"sort_index": track},
        }  # fmt: skip
