"""Laws that hold in any run whatever the model, and figures of how a model keeps its workers busy.

Pure functions of the joined tables; see `orchestrator.merge`.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from orchestrator.client_measures import ACKED, Figures, peak_overlap, ratio
from orchestrator.quantiles import Durations, between_ns
from orchestrator.server_log import ServerLog
from orchestrator.tables import Table, pair_keys, user_keys

LITTLE_TOLERANCE = 0.01
"""Both sides of Little's law come from all messages, so only rounding can part them."""

Counts = npt.NDArray[np.int64]


def law_measures(requests: Table, connections: Table, log: ServerLog) -> Figures:
    """Return what the joined tables say of queues, of fairness, and of work left undone."""
    begun_ns, ended_ns = _span_of(requests)
    listening = log.first("listening")
    workers = int(listening["workers"]) if listening else 0
    return {
        "in_system_mean": _mean_overlap(requests, "due_ns", "ended_ns", ended_ns - begun_ns),
        "waiting_mean": _mean_waiting(requests, ended_ns - begun_ns),
        **_accept_queue(connections),
        "fairness_connections": jain(_per_worker(connections["worker"], workers)),
        "fairness_messages": jain(_per_worker(requests["worker"], workers)),
        "idle_while_waiting": _idle_while_waiting_s(requests, workers),
    }


def broken_laws(
    requests: Table, log: ServerLog, *, is_one_at_a_time: bool = False
) -> Iterator[str]:
    """Yield the laws that no server can break: if one is, what was recorded is wrong.

    ``is_one_at_a_time`` is of models whose workers serve so, which keeps utilization at 1 or below.
    """
    keys = user_keys(requests)
    users = np.searchsorted(np.unique(keys), keys).astype(np.uint64)
    again = len(requests) - len(np.unique(pair_keys(users, requests["message"])))
    if again:
        yield f"{again} messages have the id of another"
    yield from _of_order(requests[np.lexsort((requests["message"], keys))])
    yield from _of_little(requests, log)
    if is_one_at_a_time:
        yield from _of_workers(requests[requests["finished_ns"] > 0])


def jain(shares: Counts) -> float | None:
    """Return Jain's index of fairness: 1 if all shares are the same, 1/n if one has it all.

    (sum x)^2 / (n sum x^2); Jain, Chiu and Hawe 1984. None where nobody has any.
    """
    squares = float((shares.astype(np.float64) ** 2).sum())
    return float(shares.sum()) ** 2 / (len(shares) * squares) if squares else None


def _per_worker(worker: npt.NDArray[np.uint16], workers: int) -> Counts:
    """Return how many rows each of the declared workers has; 0 stands for none of them."""
    served: Counts = np.bincount(worker[worker <= workers], minlength=workers + 1)[1:]
    return served


def _span_of(requests: Table) -> tuple[int, int]:
    if not len(requests):
        return 0, 0
    return int(requests["due_ns"].min()), int(requests["ended_ns"].max())


def _mean_overlap(table: Table, begin: str, end: str, window_ns: int) -> float | None:
    """Return how many spans there are at a time, on average: the step function, integrated."""
    change = np.repeat([1, -1], len(table))
    at_ns = np.concatenate([table[begin], table[end]]).astype(np.int64)
    order = np.argsort(at_ns, kind="stable")
    level = np.cumsum(change[order])[:-1]
    return ratio(float((level * np.diff(at_ns[order])).sum()), window_ns)


def _mean_waiting(requests: Table, window_ns: int) -> float | None:
    """Return how many messages are due and not in service, on average, of those served."""
    served = requests[requests["finished_ns"] > 0]
    return ratio(float(between_ns(served, "due_ns", "started_ns").sum()), window_ns)


def _accept_queue(connections: Table) -> Figures:
    """Return how many connections were established and not yet accepted, at most and on average."""
    connected = connections[connections["connected_ns"] > 0]
    left_ns = np.where(
        connected["accepted_ns"] > 0, connected["accepted_ns"], connected["ended_ns"]
    ).astype(np.int64)
    entered_ns = connected["connected_ns"].astype(np.int64)
    waits_ns: Durations = (left_ns - entered_ns).clip(min=0)
    window_ns = int(connected["ended_ns"].max()) - int(entered_ns.min()) if len(connected) else 0
    return {
        "accept_queue_max": peak_overlap(entered_ns, entered_ns + waits_ns),
        "accept_queue_mean": ratio(float(waits_ns.sum()), window_ns),
    }


def _idle_while_waiting_s(requests: Table, workers: int) -> float | None:
    """Return the worker-seconds lost while a message waited that nobody served.

    At each instant as many workers as are idle, or as many messages as wait, whichever is less:
    what a model that conserves work would use. A model whose one loop serves several loses none.
    """
    served = requests[requests["finished_ns"] > 0]
    if not len(served) or not workers:
        return None
    instants = [served[each].astype(np.int64) for each in ("sent_ns", "started_ns", "finished_ns")]
    at_ns = np.concatenate(instants)
    waiting = np.repeat([1, -1, 0], len(served))
    serving = np.repeat([0, 1, -1], len(served))
    order = np.argsort(at_ns, kind="stable")
    idle = (workers - np.cumsum(serving[order])[:-1]).clip(min=0)
    lost = np.minimum(idle, np.cumsum(waiting[order])[:-1].clip(min=0))
    return float((lost * np.diff(at_ns[order])).sum()) / 1e9


def _of_order(requests: Table) -> Iterator[str]:
    """Yield where the messages of a user, by their numbers, were not sent or served in order."""
    keys = user_keys(requests)
    for column, told in (("sent_ns", "sent"), ("received_ns", "received"), ("ended_ns", "acked")):
        seen = requests[column] > 0
        if column == "ended_ns":
            seen &= requests["outcome"] == ACKED
        instants, users = requests[column][seen].astype(np.int64), keys[seen]
        broken = np.count_nonzero((np.diff(instants) < 0) & (users[1:] == users[:-1]))
        if broken:
            yield f"{broken} messages were {told} before an earlier one of the same connection"


def _of_workers(served: Table) -> Iterator[str]:
    """Yield how many messages were begun by a worker that had not finished the one before."""
    in_turn = served[np.lexsort((served["started_ns"], served["worker"]))]
    is_same = in_turn["worker"][1:] == in_turn["worker"][:-1]
    broken = np.count_nonzero(is_same & (in_turn["started_ns"][1:] < in_turn["finished_ns"][:-1]))
    if broken:
        yield f"{broken} messages were begun by a worker that was still serving another"


def _of_little(requests: Table, log: ServerLog) -> Iterator[str]:
    """Yield where Little's law does not hold: L = X W (Little 1961).

    L is integrated over the clients' instants, X counted in the server's log.
    """
    acked = requests[requests["outcome"] == ACKED]
    begun_ns, ended_ns = _span_of(acked)
    if ended_ns == begun_ns:
        return
    in_system = _mean_overlap(acked, "due_ns", "ended_ns", ended_ns - begun_ns) or 0.0
    throughput = len(log.served) / (ended_ns - begun_ns)
    expected = throughput * float(between_ns(acked, "due_ns", "ended_ns").mean())
    if len(log.served) == len(acked) and abs(in_system - expected) > LITTLE_TOLERANCE * expected:
        yield f"Little's law: {in_system:.3g} in the system, but X W is {expected:.3g}"
