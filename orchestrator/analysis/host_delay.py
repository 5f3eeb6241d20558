"""How much other programs on the host delayed a run: an effect, not the CPU time that they used.

The kernel counts how long each thread was ready and had no CPU (its run delay). The lab causes part
of it itself: a thread also waits for other threads of the server, for the clients, for the probe.
So a delay counts as far as the CPU time that the thread competed with was that of other programs.

A delay of a worker lengthens the messages that it serves, and one of a client all that it has in
flight; so it is related to the time in which the worker served, or the client had a message in
flight. 0.05: messages, and what waits for them, took about 5% longer. Sleeping programs are delayed
less by a busy host than computing ones, which is why the CPU time of others alone says little.
"""

import numpy as np

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.host_measures import PARTS, host_balance
from orchestrator.analysis.kernel_measures import Window, run_delay_s
from orchestrator.analysis.statistics import Durations, ratio
from orchestrator.results.tables import Keys, Table


def host_delay(evidence: Evidence, requests: Table) -> float | None:
    """Return the share of their time by which other programs delayed server and clients.

    None if the kernel does not report run delays, if the CPU time of others is unknown, or if there
    is no message.
    """
    replicas = evidence.clients.replicas
    window = Window(
        evidence.clients.start_ns, max((each.end_ns for each in replicas), default=0), False
    )
    server_s = run_delay_s(evidence.kernel, window)
    reported_s = [each.health.run_delay_s for each in replicas]
    clients_s = sum(each for each in reported_s if each is not None)
    in_flight_s = _busy_s(requests, "replica", ("sent_ns", "ended_ns"))
    served = requests[requests["finished_ns"] > 0]
    serving_s = _busy_s(served, "worker", ("started_ns", "finished_ns"))
    longest_s = max(serving_s, _busy_s(requests, "", ("sent_ns", "ended_ns")))
    workers = max(len(np.unique(served["worker"])), 1)
    of_server = _share_of_others(evidence, "server", workers)
    of_clients = _share_of_others(evidence, "clients", len(replicas))
    if server_s is None or None in reported_s or of_server is None or of_clients is None:
        return None
    delayed = (ratio(server_s * of_server, longest_s), ratio(clients_s * of_clients, in_flight_s))
    known = [each for each in delayed if each is not None]
    return sum(known) if known else None


def _share_of_others(evidence: Evidence, part: str, threads: int) -> float | None:
    """Return the share of others in the CPU time that a thread of ``part`` competes with.

    That is all CPU time but its own, which is assumed to be equal among its ``threads``.
    """
    balance = host_balance(evidence)
    others_s, own_s = balance["others"], balance[part]
    if others_s is None or own_s is None:
        return None
    others_s = max(others_s, 0.0)
    lab_s = sum(balance[each] or 0.0 for each in (*PARTS, "orchestrator"))
    return ratio(others_s, others_s + lab_s - own_s / max(threads, 1)) or 0.0


def _busy_s(requests: Table, column: str, span: tuple[str, str]) -> float:
    """Return for how long a span of any of the ``requests`` lasted, in s.

    Added up over the values of ``column``, each of which has a time of its own, if it is given.
    """
    begun, ended = (requests[each].astype(np.int64) for each in span)
    keys = requests[column].astype(np.uint64) if column else np.zeros(len(requests), np.uint64)
    return sum(_union_ns(begun[keys == key], ended[keys == key]) for key in _each(keys)) / 1e9


def _each(keys: Keys) -> list[int]:
    return [int(key) for key in np.unique(keys)]


def _union_ns(begun_ns: Durations, ended_ns: Durations) -> int:
    """Return the length of the union of spans."""
    order = np.argsort(begun_ns, kind="stable")
    begun_ns, ended_ns = begun_ns[order], np.maximum.accumulate(ended_ns[order])
    over_ns = np.concatenate([begun_ns[:1], ended_ns[:-1]])
    return int((ended_ns - np.maximum(begun_ns, over_ns)).clip(min=0).sum())
