"""A connection to the page: closed if it brings no request, so that such ones keep nobody out.

Every program on this machine can connect to loopback, and say nothing. Held are connections with
a request that is being answered, such as one that follows a run: those are the page's own.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

REQUEST_S = 10.0
"""How long a connection may take for its first request, or for the next one, until it is whole."""

MOST_CONNECTIONS = 64
"""Beyond it, each new connection closes the one that has waited longest for its request."""


class PageConnection(H11Protocol):
    """One connection, as uvicorn serves it."""

    waits_since_s = 0.0
    """On the clock of its loop."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, in place of the oldest that waits if there are too many."""
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > MOST_CONNECTIONS:
            found = (each for each in self.connections if isinstance(each, PageConnection))
            waiting = [each for each in found if each.waits]
            min(waiting, key=lambda each: each.waits_since_s).close()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._await_request()

    @property
    def waits(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def close(self) -> None:
        """Close it, also if the other end reads nothing."""
        self.connections.discard(self)
        self.transport.abort()

    def _await_request(self) -> None:
        self.waits_since_s = self.loop.time()
        self.loop.call_later(REQUEST_S, self._close_without_request, self.cycle)

    def _close_without_request(self, last: RequestResponseCycle | None) -> None:
        if self.cycle is last:
            self.close()
