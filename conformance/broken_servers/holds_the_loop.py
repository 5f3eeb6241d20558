"""Serves one client's whole pipeline before it serves any other client."""

from labkit.server.connection import Connection
from labkit.server.loop import Loop
from labkit.server.program import main
from labkit.server.service import Service
from services.epoll import server

REJECTED_BY = "test_timing.test_a_client_with_much_work_lets_others_take_their_turn"
BECAUSE = r"assert \d+ < 20"


def serve(service: Service) -> None:
    """Run the loop, with all messages of a client in one turn."""
    advance = Loop.advance

    def go_on(loop: Loop, conn: Connection) -> None:
        advance(loop, conn)
        while conn.is_open and conn in loop.in_service:
            loop.timers.cancel(loop.in_service.pop(conn))
            advance(loop, conn)

    setattr(Loop, "advance", go_on)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
