"""``thread_per_connection``: the main thread accepts; each connection gets a thread of its own.

Excess connections, beyond LAB_MAX_THREADS, wait in the kernel's accept queue: the main thread does
not accept while it has no free place for a thread.
One slow client occupies one thread, which costs memory and no other client's time; as many slow
clients as LAB_MAX_THREADS delay every other.
Only here the number of threads follows the number of clients: each connection pays for the start of
a thread, and many clients that compute pay for the switches between their threads.
"""

import queue
from collections.abc import Iterator
from functools import partial

from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.settings import Whole
from labkit.server.threads import get, serve_or_give_up, start_when_possible

MAX_THREADS = Whole("max_threads", default=1024, low=1, high=1024, is_workers=True)
SETTINGS = (MAX_THREADS,)

Places = queue.LifoQueue[int]  # the numbers of threads that may be started; the last freed is next


def serve(service: Service) -> None:
    """Start a thread for each connection; after the drain, wait for the last."""
    most = MAX_THREADS.of(service.settings)
    places = Places()
    for worker in range(most, 0, -1):
        places.put(worker)
    service.listening(most)
    for worker, conn in zip(_free(service, places), service.connections(worker=0), strict=False):
        work = partial(_serve, service, places, conn)
        if not start_when_possible(service, work, worker, MAX_THREADS):
            work(worker)  # the drain has begun: this resets the connection, unread
    for _ in range(most - 1):  # the place for which no connection came is taken already
        get(places)


def _free(service: Service, places: Places) -> Iterator[int]:
    """Take one free place after another. At the bound this blocks, so no connection is accepted."""
    while True:
        if places.empty():
            service.log(0).flush()  # get may block for long
        yield get(places)


def _serve(service: Service, places: Places, conn: Connection, worker: int) -> None:
    """Serve ``conn`` to its end, and free the place."""
    service.log(worker).emit("dequeued", conn=conn.id)
    serve_or_give_up(service, conn, worker)
    service.log(worker).flush()
    places.put(worker)


if __name__ == "__main__":
    main("thread_per_connection", serve, SETTINGS)
