"""``prefork``: the parent listens and forks; every worker blocks in ``accept`` on that listener.

Excess connections wait in the kernel's accept queue, which all workers share; the kernel wakes one
idle worker for each connection.
One slow client occupies one worker; as many slow clients as workers delay every other. A worker
that dies loses its one connection, and the parent forks another worker. SIGHUP replaces the
workers one at a time; each passes its connection on to its successor.
"""

from labkit.server.pool import run_pool
from labkit.server.program import main
from labkit.server.service import Service


def serve(service: Service) -> None:
    """Run the pool of worker processes until the last has drained."""
    run_pool(service, _work)


def _work(service: Service, worker: int) -> None:
    """Accept, and serve one connection after another, each to its end."""
    for conn in service.connections(worker):
        service.serve_connection(conn, worker)


if __name__ == "__main__":
    main("prefork", serve)
