"""``reuseport``: prefork, but every worker blocks in ``accept`` on a listener of its own.

Excess connections wait in the accept queue of the worker that the kernel chose by a hash of the
addresses and ports, when they connected: also while another worker is idle.
One slow client occupies one worker, and delays all that wait in the queue of this worker. A worker
that dies loses its connection, and its listener takes the whole queue with it, unless the kernel
moves it to the others (``net.ipv4.tcp_migrate_req``). SIGHUP passes each listener on, so a reload
loses none. This model alone shows what one shared queue is worth.
"""

from labkit.server.pool import run_pool
from labkit.server.program import main
from labkit.server.service import Service


def serve(service: Service) -> None:
    """Run the pool of worker processes until the last has drained."""
    service.split_listener()
    run_pool(service, _work)


def _work(service: Service, worker: int) -> None:
    """Serve one connection after another, each to its end."""
    for conn in service.connections(worker):
        service.serve_connection(conn, worker)


if __name__ == "__main__":
    main("reuseport", serve)
