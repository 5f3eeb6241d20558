"""What the server did and used, and the other load of the host: figures by name, in base units."""

from collections.abc import Mapping

import numpy as np

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.kernel_measures import observed_cpu_s, probe_cpu_s
from orchestrator.analysis.statistics import Figures, between_ns, ratio
from orchestrator.results.server_log import Event, ServerLog
from orchestrator.results.tables import Table

FROM_LOG = (
    "connections_per_worker_min", "connections_per_worker_max", "workers_used", "never_accepted",
    "worker_deaths", "fairness_connections", "fairness_messages", "accept_queue_max",
    "accept_queue_mean", "idle_while_waiting", "utilization",
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
    evidence: Evidence, requests: Table, measured: Mapping[str, float | None]
) -> Figures:
    """Return what the server did and used; ``measured`` are the figures of the clients."""
    log = evidence.log
    cpu_time_s = _logged_cpu_s(log)
    accepted = int(np.count_nonzero(log.accepted["accepted_ns"]))
    drain = log.first("drain_begun")
    deaths = [e for e in log.of("worker_exited") if drain is None or e["t_ns"] < drain["t_ns"]]
    return {
        **_of_workers(log),
        "never_accepted": max((measured["connected"] or 0) - accepted, 0),
        "worker_deaths": len(deaths),
        "cpu_time": cpu_time_s,
        "cpu_time_per_message": ratio(_without_starts(cpu_time_s, log), measured["acked"]),
        "peak_memory": _peak_memory(log),
        "server_exit_code": evidence.server_exit_code,
        "utilization": _utilization(requests, measured),
    }


def host_measures(evidence: Evidence) -> Figures:
    """Return the load of other programs on the host, as shares; None if unknown.

    The CPU time of the lab's programs is subtracted. That of the server includes its start and
    its end, so others used at least the result; dockerd, which carries the log, is one of them.
    """
    host, server_s = evidence.clients.host, _logged_cpu_s(evidence.log)
    if server_s is None:
        server_s = observed_cpu_s(evidence.kernel)
    wall_s = host.get("wall_s")
    cpu_s = (wall_s or 0) * (host.get("cpus") or 1)
    busy_s, others_s = host.get("busy_s"), None
    if busy_s is not None and server_s is not None:
        clients_s = sum(replica.health.cpu_s for replica in evidence.clients.replicas)
        lab_s = clients_s + server_s + probe_cpu_s(evidence.kernel) + (host.get("own_cpu_s") or 0)
        others_s = busy_s - lab_s
    return {
        "host_busy": None if others_s is None else ratio(max(others_s, 0.0), cpu_s),
        "host_steal": ratio(host.get("steal_s"), cpu_s),
        "host_pressure": ratio(host.get("pressure_s"), wall_s),
        "orchestrator_cpu_share": ratio(host.get("own_cpu_s"), wall_s),
    }


def _without_starts(cpu_time_s: float | None, log: ServerLog) -> float | None:
    """Return the server's CPU time from when it listened to its end.

    It includes the end of the server. Versions without these fields in ``listening`` have the start
    in it too. The kernel's counters are no substitute: they advance by 10 ms.
    """
    if cpu_time_s is None:
        return None
    begun = log.of("listening")
    starts_s = sum(each.get("cpu_user_s", 0.0) + each.get("cpu_system_s", 0.0) for each in begun)
    return cpu_time_s - float(starts_s)


def _logged_cpu_s(log: ServerLog) -> float | None:
    """Return the server's CPU time as logged, None if one of its ends is missing."""
    ends = _ends(log)
    return float(sum(end["cpu_user_s"] + end["cpu_system_s"] for end in ends)) if ends else None


def _ends(log: ServerLog) -> list[Event]:
    """Return the last event of each start of the server, empty if it was killed in one."""
    ends = log.of("stopped")
    return ends if len(ends) == len(log.of("listening")) else []


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


def _utilization(requests: Table, measured: Mapping[str, float | None]) -> float | None:
    served = requests[requests["finished_ns"] > 0]
    busy_s = between_ns(served, "started_ns", "finished_ns").sum() / 1e9
    return ratio(float(busy_s), (measured.get("workers") or 0) * (measured["makespan"] or 0))
