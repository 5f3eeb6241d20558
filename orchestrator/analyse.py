"""From what was collected to what it means: measures, request records, and reasons for doubt.

Never touches a backend, a clock or a file: a stored case analyses to the same values again.
Client and server share CLOCK_MONOTONIC, so their instants lie on one axis without correction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from orchestrator.collect import Event, Sample, ServerLog
from orchestrator.doubts import find_doubts
from orchestrator.evidence import Evidence
from orchestrator.quantiles import quantile
from orchestrator.records import ACKED, RequestRecord


@dataclass(frozen=True)
class Analysis:
    """Measures by name, None where unknown; requests in order of sending; reasons for doubt."""

    measures: dict[str, float | None]
    requests: list[RequestRecord]
    invalid: list[str]


def analyse(evidence: Evidence) -> Analysis:
    """Return what the evidence of one case amounts to."""
    served = {event["request"]: event for event in evidence.log.of("request_acked")}
    requests = [_record(sample, served, evidence.clients.start_ns) for sample in _sent(evidence)]
    measures: dict[str, float | None] = {
        **evidence.inputs,
        **_declared(evidence.log),
        **_client_measures(evidence),
        **_response_times(requests),
        **_service_measures(requests),
        **_server_measures(evidence),
    }
    measures["utilization"] = _utilization(requests, measures)
    measures["cpu_time_per_message"] = _ratio(measures["cpu_time"], measures["acked"])
    return Analysis(measures, requests, find_doubts(evidence, requests))


def _sent(evidence: Evidence) -> list[Sample]:
    return sorted(evidence.clients.samples, key=lambda sample: sample.sent_ns)


def _record(sample: Sample, served: Mapping[str, Event], start_ns: int) -> RequestRecord:
    event = served.get(sample.request)
    return RequestRecord(
        id=sample.request,
        user=sample.user,
        message=sample.message,
        worker=event["worker"] if event else None,
        outcome=sample.outcome,
        due_ns=sample.due_ns - start_ns,
        sent_ns=sample.sent_ns - start_ns,
        ended_ns=sample.ended_ns - start_ns,
        received_ns=event["received_ns"] - start_ns if event else None,
        started_ns=event["started_ns"] - start_ns if event else None,
        finished_ns=event["finished_ns"] - start_ns if event else None,
    )


def _declared(log: ServerLog) -> dict[str, float | None]:
    """Return what the model says of itself, which outranks what was configured for it."""
    listening = log.first("listening")
    return {"workers": listening["workers"]} if listening else {}


def _client_measures(evidence: Evidence) -> dict[str, float | None]:
    clients = evidence.clients
    makespan_s = (clients.end_ns - clients.start_ns) / 1e9
    acked = clients.books["acked"]
    return {
        "makespan": makespan_s,
        "throughput": _ratio(acked, makespan_s),
        "sent": clients.books["sent"],
        "acked": acked,
        "failed": clients.books["failed"],
        "unsent": clients.books["unsent"],
        "in_flight": clients.books["in_flight"],
        "errors": sum(clients.errors.values()),
        **clients.errors,
        "start_spread": _spread_s(clients.started_ns),
    }


def _spread_s(instants_ns: Sequence[int]) -> float | None:
    return (max(instants_ns) - min(instants_ns)) / 1e9 if instants_ns else None


def _response_times(requests: Iterable[RequestRecord]) -> dict[str, float | None]:
    """Response time is due to acked, so a wait before sending counts (coordinated omission)."""
    times_s = sorted((r.ended_ns - r.due_ns) / 1e9 for r in requests if r.outcome == ACKED)
    return {
        "response_time_mean": _ratio(sum(times_s), len(times_s)),
        "response_time_p50": quantile(times_s, 0.50),
        "response_time_p90": quantile(times_s, 0.90),
        "response_time_p99": quantile(times_s, 0.99),
        "response_time_max": times_s[-1] if times_s else None,
    }


def _service_measures(requests: Iterable[RequestRecord]) -> dict[str, float | None]:
    spans: list[tuple[int, int]] = []
    first_ns: dict[int, int] = {}
    for request in requests:
        if request.started_ns is None or request.finished_ns is None:
            continue
        spans.append((request.started_ns, request.finished_ns))
        first_ns.setdefault(request.user, request.started_ns)
    waits_s = sorted(started_ns / 1e9 for started_ns in first_ns.values())
    return {
        "first_service_wait_p50": quantile(waits_s, 0.50),
        "first_service_wait_max": waits_s[-1] if waits_s else None,
        "peak_in_service": peak_overlap(spans),
    }


def peak_overlap(spans: Iterable[tuple[int, int]]) -> int:
    """Return how many half-open spans overlap at most; one that ends where another begins, none."""
    steps = sorted(step for start, end in spans for step in ((start, 1), (end, -1)))
    return max(accumulate(change for _, change in steps), default=0)


def _server_measures(evidence: Evidence) -> dict[str, float | None]:
    log = evidence.log
    stopped, listening = log.first("stopped"), log.first("listening")
    taken_by = {(event["pid"], event["conn"]): event["worker"] for event in log.of("accepted")}
    taken_by |= {(event["pid"], event["conn"]): event["worker"] for event in log.of("dequeued")}
    connections = Counter(taken_by.values())
    per_worker = [connections[n + 1] for n in range(listening["workers"] if listening else 0)]
    drain = log.first("drain_begun")
    deaths = [e for e in log.of("worker_exited") if drain is None or e["t_ns"] < drain["t_ns"]]
    return {
        "connections_per_worker_min": min(per_worker, default=None),
        "connections_per_worker_max": max(per_worker, default=None),
        "workers_used": sum(1 for served in per_worker if served),
        "worker_deaths": len(deaths),
        "cpu_time": stopped["cpu_user_s"] + stopped["cpu_system_s"] if stopped else None,
        "peak_memory": _peak_memory(log),
        "server_exit_code": evidence.server_exit_code,
    }


def _peak_memory(log: ServerLog) -> float | None:
    """Add up the peaks of all processes: an upper bound, since forked ones share pages."""
    stopped = log.first("stopped")
    if stopped is None:
        return None
    workers: dict[int, int] = {}
    for event in log.of("worker_exited"):
        workers[event["index"]] = max(workers.get(event["index"], 0), event["peak_memory_bytes"])
    return float(stopped["peak_memory_bytes"] + sum(workers.values()))


def _utilization(
    requests: Iterable[RequestRecord], measures: Mapping[str, float | None]
) -> float | None:
    busy_ns = sum(
        r.finished_ns - r.started_ns
        for r in requests
        if r.started_ns is not None and r.finished_ns is not None
    )
    workers, makespan_s = measures.get("workers"), measures.get("makespan")
    return _ratio(busy_ns / 1e9, (workers or 0) * (makespan_s or 0))


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
