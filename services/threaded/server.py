"""``threaded``: the main thread accepts into a bounded queue; a fixed pool takes connections.

Excess connections wait, accepted and unread, in the queue; when that is full the main thread stops
accepting and the rest wait in the kernel's accept queue. None is dropped.
One slow client occupies one worker; as many slow clients as workers delay every other.
The locks of ``queue.Queue`` cost 14% to 17% of the server's CPU time for a short connection.
"""

import queue
from functools import partial

from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.threads import join, put, serve_or_give_up, start_pool

Waiting = queue.Queue[Connection | None]


def serve(service: Service) -> None:
    """Start the workers, accept into their queue until the drain, and wait for the last."""
    workers = service.settings.workers
    waiting = Waiting(maxsize=workers)
    threads = start_pool(service, partial(_work, service, waiting))
    service.listening(workers)
    for conn in service.connections(worker=0):
        if waiting.full():
            service.log(0).flush()  # put may block for long
        put(waiting, conn)
    for _ in threads:
        put(waiting, None)
    join(threads)


def _work(service: Service, waiting: Waiting, worker: int) -> None:
    """Serve one connection after another, each to its end."""
    while (conn := waiting.get()) is not None:
        service.log(worker).emit("dequeued", conn=conn.id)
        serve_or_give_up(service, conn, worker)
        service.log(worker).flush()  # get may block for long


if __name__ == "__main__":
    main("threaded", serve)
