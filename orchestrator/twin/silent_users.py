"""Users that connect and send nothing until their time is over, as ``behaviour: silent``."""

import sys
from collections.abc import Iterator

from labkit.workload.load_order import GroupOrder
from labkit.workload.profile import NS_PER_S, lifetimes
from orchestrator.twin.core import Connection, EventQueue, Model, Source

SILENT = "silent"


class SilentUsers(Source):
    """What they keep from others is a worker, if the model gives each connection one."""

    def __init__(self, group: int, order: GroupOrder) -> None:
        self.group = group
        self._order = order

    def start(self, events: EventQueue, server: Model) -> None:
        """Set where connections end: in ``server``, by an event of ``events``."""
        self._events, self._server = events, server

    def connections(self) -> Iterator[Connection]:
        """Yield the connection of each user."""
        start_ns = round(self._order.start_s * NS_PER_S)
        for user, lifetime in enumerate(lifetimes(self._order.profile)):
            stop_ns = sys.maxsize if lifetime.stop_ns is None else start_ns + lifetime.stop_ns
            yield Connection(self, user, start_ns + lifetime.start_ns, stop_ns)

    def on_connected(self, conn: Connection) -> bool | None:
        """Wait until the user's time is over, then close."""
        self._events.schedule(max(conn.stop_ns, conn.connected_ns), self._server.close, conn)
        return None

    def on_acked(self, conn: Connection, now_ns: int) -> bool | None:
        """Not called: nothing is sent."""
        raise NotImplementedError
