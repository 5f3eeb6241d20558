"""Arrivals of the simulation that give up waiting for an ack, as those of a run do."""

import sys
from collections.abc import Callable

from labkit.workload.load_order import OPEN, GroupOrder
from labkit.workload.profile import NS_PER_S
from labkit.workload.retries import RetryPolicy
from orchestrator.twin.clients import Arrivals
from orchestrator.twin.core import Connection, EventQueue
from orchestrator.twin.demands import GroupDemands


def is_impatient(order: GroupOrder) -> bool:
    """Return whether the clients of a group give up messages, here as in a run.

    Only arrivals with a connection each do so here.
    """
    return order.loop == OPEN and not order.connections and order.answer_timeout_s is not None


class ImpatientArrivals(Arrivals):
    """Arrivals that wait for their acks for a limited time, and may be sent again after it.

    A connection that its client gives up is served all the same: the server has accepted it or will
    do so, and has its message. A retry is another connection, with the due instant of the first.
    """

    is_shared = True

    def __init__(self, group: int, order: GroupOrder, seed: int, demands: GroupDemands) -> None:
        super().__init__(group, order, seed, demands)
        self._timeout_ns = round((order.answer_timeout_s or 0.0) * NS_PER_S)
        self._policies = [RetryPolicy(order, seed) for _ in range(order.replicas)]

    def start(self, events: EventQueue, connect: Callable[[Connection], None]) -> None:
        """Set the queue for time-outs, and what begins a connection at its ``begun_ns``."""
        self._events, self._connect = events, connect

    def on_connected(self, conn: Connection) -> bool | None:
        """Send the arrival, and wait."""
        super().on_connected(conn)
        if conn.attempt == 1:
            self._policy_of(conn).count_first()
        self._events.schedule(conn.sent_ns + self._timeout_ns, self._on_timeout, conn)
        return True

    def _policy_of(self, conn: Connection) -> RetryPolicy:
        return self._policies[conn.message % len(self._policies)]

    def _on_timeout(self, now_ns: int, conn: Connection) -> None:
        if not conn.has_message:
            return  # it was acked
        conn.given_up_ns = now_ns
        pause_ns = self._policy_of(conn).pause_ns(conn.message, conn.attempt)
        if pause_ns is None:
            return
        conn.is_retried = True
        retry = Connection(self, conn.user, now_ns + pause_ns, sys.maxsize)
        retry.message, retry.due_ns, retry.attempt = conn.message, conn.due_ns, conn.attempt + 1
        self._connect(retry)
