"""What the server did and used: figures by name, in base units."""

from collections.abc import Mapping
from operator import itemgetter

import numpy as np

from labkit.server.events import CONNECTION_ENDED, REPLACED
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.statistics import Figures, between_ns, ratio
from orchestrator.results.server_log import Event, ServerLog
from orchestrator.results.tables import Columns, select

FROM_LOG = (
    "connections_per_worker_min", "connections_per_worker_max", "workers_used", "never_accepted",
    "accept_queue_reset", "accept_queue_migrated", "worker_deaths", "workers_replaced",
    "fairness_connections", "fairness_messages", "accept_queue_max", "accept_queue_mean",
    "idle_while_waiting", "utilization",
)  # fmt: skip
"""Unknown if the server writes no event log."""

OF_SERVICE = frozenset(
    ("peak_in_service", "first_service_wait_p50", "first_service_wait_max", "accept_wait_p50",
     "accept_wait_max", "queue_wait_p50", "queue_wait_max")
)  # fmt: skip
"""Unknown likewise, for each group of clients too."""


def declared_measures(log: ServerLog) -> Figures:
    """Return what the model reports of itself, which replaces what was configured."""
    listening = log.first("listening")
    return {"workers": listening["workers"]} if listening else {}


def server_measures(
    evidence: Evidence, requests: Columns, measured: Mapping[str, float | None]
) -> Figures:
    """Return what the server did and used; ``measured`` are the figures of the clients."""
    log = evidence.log
    cpu_time_s = logged_cpu_s(log)
    accepted = int(np.count_nonzero(log.accepted["accepted_ns"]))
    return {
        **_of_workers(log),
        "never_accepted": max((measured["connected"] or 0) - accepted, 0),
        "accept_queue_reset": accept_queue_resets(log),
        "accept_queue_migrated": _sum_of("accept_queue_migrated", log),
        "worker_deaths": _worker_deaths(log),
        "workers_replaced": _workers_replaced(log),
        "cpu_time": cpu_time_s,
        "cpu_time_per_message": ratio(_without_starts(cpu_time_s, log), measured["acked"]),
        "peak_memory": _peak_memory(log),
        "server_exit_code": evidence.server_exit_code,
        "utilization": _utilization(requests, measured),
    }


def accept_queue_resets(log: ServerLog) -> int:
    """Return how many connections were reset before they were accepted, in drains and without."""
    return _sum_of("accept_queue_reset", log)


def _sum_of(field: str, log: ServerLog) -> int:
    """Return the sum of ``field`` over the closed listeners: of the server, or of one worker."""
    closed = (*log.of("drain_begun"), *log.of("listener_closed"))
    return sum(event.get(field, 0) for event in closed)


def _without_starts(cpu_time_s: float | None, log: ServerLog) -> float | None:
    """Return the server's CPU time from when it listened to its end.

    It includes the end of the server. Versions without these fields in ``listening`` have the start
    in it too. The kernel's counters are no substitute: they advance by 10 ms. Unknown if the log
    has more CPU time at the start than at the end.
    """
    if cpu_time_s is None:
        return None
    begun = log.of("listening")
    starts_s = sum(each.get("cpu_user_s", 0.0) + each.get("cpu_system_s", 0.0) for each in begun)
    since_s = cpu_time_s - float(starts_s)
    return since_s if since_s >= 0 else None


def logged_cpu_s(log: ServerLog) -> float | None:
    """Return the server's CPU time as logged, None if one of its ends is missing."""
    ends = _ends(log)
    return float(sum(end["cpu_user_s"] + end["cpu_system_s"] for end in ends)) if ends else None


def _ends(log: ServerLog) -> list[Event]:
    """Return the last event of each start of the server, empty if it was killed in one."""
    ends = log.of("stopped")
    return ends if len(ends) == len(log.of("listening")) else []


def _worker_deaths(log: ServerLog) -> int:
    """Return how many worker processes ended before the drain, in all starts of the server.

    Those that were meant to end do not count.
    """
    deaths, is_draining = 0, False
    lifecycle = ("listening", "drain_begun", "worker_exited")
    for event in sorted((e for e in log.events if e["event"] in lifecycle), key=itemgetter("t_ns")):
        if event["event"] == "worker_exited":
            deaths += not (is_draining or is_meant(event))
        else:
            is_draining = event["event"] == "drain_begun"
    return deaths


def is_meant(event: Event) -> bool:
    """Return whether ``event``, the exit of a worker, belongs to a reload, or ends its only task.

    That task is the connection for which its process was forked.
    """
    return event.get("reason") in (REPLACED, CONNECTION_ENDED)


def _workers_replaced(log: ServerLog) -> int:
    """Return how many workers left in a reload, and another process was started for them."""
    starts = [(event.get("index"), event["t_ns"]) for event in log.of("worker_started")]
    exits = [each for each in log.of("worker_exited") if each.get("reason") == REPLACED]
    left = [(each["index"], each["t_ns"]) for each in exits]
    return sum(
        any(worker == index and started_ns >= left_ns for worker, started_ns in starts)
        for index, left_ns in left
    )


def _of_workers(log: ServerLog) -> Figures:
    listening = log.first("listening")
    workers = listening["workers"] if listening else 0
    taken = log.accepted["worker"].astype(np.int64)
    served = np.bincount(taken[taken <= workers], minlength=workers + 1)[1:].tolist()
    return {
        "connections_per_worker_min": min(served, default=None),
        "connections_per_worker_max": max(served, default=None),
        "workers_used": sum(1 for connections in served if connections),
    }


def _peak_memory(log: ServerLog) -> float | None:
    """Return the sum of all processes' peaks: an upper bound, since they share pages."""
    stopped = _ends(log)
    if not stopped:
        return None
    workers: dict[int, int] = {}
    for event in log.of("worker_exited"):
        workers[event["index"]] = max(workers.get(event["index"], 0), event["peak_memory_bytes"])
    return float(max(end["peak_memory_bytes"] for end in stopped) + sum(workers.values()))


def _utilization(requests: Columns, measured: Mapping[str, float | None]) -> float | None:
    served = select(requests, requests["finished_ns"] > 0)
    if not len(served):
        return None
    busy_s = between_ns(served, "started_ns", "finished_ns").sum() / 1e9
    return ratio(float(busy_s), (measured.get("workers") or 0) * (measured["makespan"] or 0))
