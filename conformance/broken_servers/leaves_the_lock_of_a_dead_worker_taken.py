"""Leaves the semaphore of a killed worker taken, so every other worker waits for it forever."""

from labkit.server.accept_lock import SemaphoreLock
from labkit.server.program import main
from labkit.server.service import Service
from services.prefork_lock import server

SETTINGS = server.SETTINGS
REJECTED_BY = "test_faults.test_a_dead_worker_is_replaced"
BECAUSE = r"neither answered nor closed"


def serve(service: Service) -> None:
    """Use a semaphore, and recover none."""
    setattr(server, "RecordLock", lambda _listener: SemaphoreLock())  # noqa: B010
    setattr(SemaphoreLock, "recover", lambda _lock, _pid: None)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve, SETTINGS)
