"""``threaded``: the main thread accepts into a bounded queue; a fixed pool takes connections.

Excess connections wait, accepted and unread, in the queue; when that is full the main thread stops
accepting and the rest wait in the kernel's accept queue. None is dropped.
One slow client occupies one worker; as many slow clients as workers delay every other.
The locks of ``queue.Queue`` cost 14% to 17% of the server's CPU time for a short connection.
"""

import queue
import signal
import sys
import threading
from functools import partial

from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import SIGNALS, Service

Waiting = queue.Queue[Connection | None]


def serve(service: Service) -> None:
    """Start the workers, accept into their queue until the drain, and wait for the last."""
    workers = service.settings.workers
    waiting = Waiting(maxsize=workers)
    threads = service.start_workers(partial(_start, service, waiting))
    service.listening(workers)
    for conn in service.connections(worker=0):
        if waiting.full():
            service.log(0).flush()  # put may block for long
        waiting.put(conn)
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()


def _start(service: Service, waiting: Waiting, worker: int) -> threading.Thread:
    thread = threading.Thread(target=_work, args=(service, waiting, worker), daemon=True)
    thread.start()
    service.log(0).emit("worker_started", index=worker, worker_pid=thread.native_id)
    return thread


def _work(service: Service, waiting: Waiting, worker: int) -> None:
    """Serve one connection after another, each to its end.

    The main thread takes all signals: one that another thread took would not wake it (signal(7)).
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    while (conn := waiting.get()) is not None:
        service.log(worker).emit("dequeued", conn=conn.id)
        try:
            service.serve_connection(conn, worker)
        except Exception:
            _give_up(service, conn, worker)
        service.log(worker).flush()


def _give_up(service: Service, conn: Connection, worker: int) -> None:
    """After a defect: drain and fail, as the memory that all threads share may be corrupt."""
    sys.excepthook(*sys.exc_info())
    if conn.is_open:
        conn.reset("defect of the server", service.log(worker))
    service.give_up(f"worker {worker} met a defect")


if __name__ == "__main__":
    main("threaded", serve)
