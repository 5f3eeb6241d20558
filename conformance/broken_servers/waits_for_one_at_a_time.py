"""An event loop in which the waits of two messages do not overlap if they also compute."""

from collections.abc import Iterator

from labkit.protocol.session import Request
from labkit.protocol.work import CPU, perform
from labkit.server.connection import Connection
from labkit.server.loop import Loop
from labkit.server.program import main
from labkit.server.service import Service
from services.epoll import server

REJECTED_BY = "test_timing.test_parts_that_sleep_overlap_and_parts_that_compute_need_a_worker_each"
BECAUSE = "assert 1 == 2"


def serve(service: Service) -> None:
    """Run the loop, which blocks for the whole of a message with a part that computes."""
    serve_parts = Loop._serve  # noqa: SLF001

    def block(loop: Loop, conn: Connection, request: Request) -> Iterator[float]:
        if CPU not in request.demand.kind or not request.demand.parts:
            return serve_parts(loop, conn, request)
        demand = request.demand
        started = request._replace(demand=demand.steps[-1])
        perform(demand.steps[0])
        return serve_parts(loop, conn, started)

    setattr(Loop, "_serve", block)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
