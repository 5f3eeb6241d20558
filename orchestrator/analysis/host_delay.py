"""How much other programs on the host delayed a run: an effect, not the CPU time that they used.

The kernel counts how long each thread was ready and had no CPU (its run delay). The lab causes part
of it itself: a thread also waits for other threads of the server, for the clients, for the probe.
So a delay counts as far as the CPU time that the thread competed with was that of other programs.

A delay of a worker lengthens the messages that it serves, and one of a client all that it has in
flight; so it is related to the time in which the worker served, or the client had a message in
flight. 0.05: messages, and what waits for them, took about 5% longer. Sleeping programs are delayed
less by a busy host than computing ones, which is why the CPU time of others alone says little.
"""

from itertools import pairwise

import numpy as np

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.host_measures import PARTS, host_balance
from orchestrator.analysis.kernel_measures import Window, run_delay_s, throttled_time_s
from orchestrator.analysis.statistics import Durations, ratio
from orchestrator.results.tables import Columns, Keys, begins_of_runs, select


def host_delay(evidence: Evidence, requests: Columns) -> float | None:
    """Return the share of their time by which other programs delayed server and clients.

    None if the kernel does not report run delays, if the CPU time of others is unknown, or if there
    is no message.
    """
    of_server = delay_of_server(evidence, requests)
    of_clients = delay_of_clients(evidence, requests)
    if of_server is None or of_clients is None or not len(requests):
        return None
    return of_server + of_clients


def delay_of_server(evidence: Evidence, requests: Columns) -> float | None:
    """Return the share of its time by which others delayed the server, for all ``requests``."""
    served = select(requests, requests["finished_ns"] > 0)
    workers = max(len(np.unique(served["worker"])), 1)
    caused_s = _caused_s(evidence, "server", _server_s(evidence, workers), workers)
    if caused_s is None:
        return None
    serving_s = _busy_s(served, "worker", ("started_ns", "finished_ns"))
    longest_s = max(serving_s, _busy_s(requests, "", ("sent_ns", "ended_ns")))
    return ratio(caused_s, longest_s) or 0.0


def delay_of_clients(evidence: Evidence, requests: Columns) -> float | None:
    """Return the share of their time by which others delayed the clients that sent ``requests``."""
    replicas = evidence.clients.replicas
    reported_s = [each.health.run_delay_s for each in replicas]
    clients_s = None if None in reported_s else sum(each or 0.0 for each in reported_s)
    caused_s = _caused_s(evidence, "clients", clients_s, len(replicas))
    if caused_s is None:
        return None
    return ratio(caused_s, _busy_s(requests, "replica", ("sent_ns", "ended_ns"))) or 0.0


def _server_s(evidence: Evidence, workers: int) -> float | None:
    """Return how long the server was ready and had no CPU, less the time that its quota took.

    The kernel counts a thread that a quota stops as ready.
    """
    window = Window(evidence.clients.start_ns, evidence.load_end_ns, is_warmed_up=False)
    delay_s = run_delay_s(evidence.kernel, window)
    throttled_s = throttled_time_s(evidence.kernel, window) or 0.0
    return None if delay_s is None else max(delay_s - workers * throttled_s, 0.0)


def _caused_s(evidence: Evidence, part: str, delay_s: float | None, threads: int) -> float | None:
    """Return how much of the delay of a ``part`` of the lab other programs caused.

    The share of them in the CPU time that one of its ``threads`` competed with: all but its own.
    And no more than they used, for each thread: a program that uses nothing delays nobody.
    """
    balance = host_balance(evidence)
    others_s, own_s = balance["others"], balance[part]
    if others_s is None or own_s is None or delay_s is None:
        return None
    others_s, threads = max(others_s, 0.0), max(threads, 1)
    lab_s = sum(balance[each] or 0.0 for each in (*PARTS, "orchestrator"))
    share = ratio(others_s, others_s + lab_s - own_s / threads) or 0.0
    return min(delay_s * share, others_s * threads)


def _busy_s(requests: Columns, column: str, span: tuple[str, str]) -> float:
    """Return for how long a span of any of the ``requests`` lasted, in s.

    Added up over the values of ``column``, each of which has a time of its own, if it is given.
    """
    begun_ns, ended_ns = (requests[each].astype(np.int64) for each in span)
    keys: Keys = requests[column] if column else np.zeros(len(requests), np.uint64)
    order = np.lexsort((begun_ns, keys))
    begun_ns, ended_ns = begun_ns[order], ended_ns[order]
    edges = [*begins_of_runs(keys[order]).tolist(), len(keys)]
    return sum(_union_ns(begun_ns[a:b], ended_ns[a:b]) for a, b in pairwise(edges)) / 1e9


def _union_ns(begun_ns: Durations, ended_ns: Durations) -> int:
    """Return the length of the union of spans, in the order in which they begin."""
    ended_ns = np.maximum.accumulate(ended_ns)
    over_ns = np.concatenate([begun_ns[:1], ended_ns[:-1]])
    return int((ended_ns - np.maximum(begun_ns, over_ns)).clip(min=0).sum())
