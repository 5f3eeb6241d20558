"""Passes each descriptor twice: a worker serves a connection again after it has closed it."""

from labkit.server.connection import Connection
from labkit.server.handover import Handover
from labkit.server.program import main
from labkit.server.service import Service
from services.prefork_pass import server

REJECTED_BY = "test_log.test_a_connection_is_accepted_taken_and_ended_once"
BECAUSE = r"assert Counter\(.*: 2.* == Counter|': 2\} != \{'"  # pytest may shorten the first


def serve(service: Service) -> None:
    """Serve, and send each descriptor once more."""
    give = Handover.give

    def give_twice(queue: Handover, conn: Connection) -> bool:
        again = Connection(conn.sock.dup(), conn.id, service.settings.limits, set[Connection]())
        return give(queue, conn) and give(queue, again)

    setattr(Handover, "give", give_twice)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
