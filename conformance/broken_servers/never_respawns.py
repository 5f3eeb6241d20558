"""Does not replace a dead worker."""

from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.supervisor import Supervisor
from services.prefork import server

REJECTED_BY = "test_faults.test_a_dead_worker_is_replaced"
BECAUSE = r"not within .* times worker_started"


def serve(service: Service) -> None:
    """Reap dead workers, and start no new one."""
    setattr(Supervisor, "restart", lambda _supervisor: None)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
