"""Declares one worker and serves every connection at once."""

import threading

from labkit.server.program import main
from labkit.server.service import Service

REJECTED_BY = "test_timing.test_no_more_cpu_demands_than_workers_are_in_service"
BECAUSE = r"assert \d <= 1"


def serve(service: Service) -> None:
    """Serve each connection in a thread of its own."""
    service.listening(workers=1)
    threads = []
    for conn in service.connections():
        threads.append(threading.Thread(target=service.serve_connection, args=(conn,)))
        threads[-1].start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main("broken", serve)
