"""``threaded``: the main thread accepts into a bounded queue; a fixed pool takes connections.

Excess connections wait, accepted and unread, in the queue; when that is full the main thread stops
accepting and the rest wait in the kernel's accept queue. None is dropped.
One slow client holds up one worker; as many slow clients as workers hold up everyone.
"""

import os
import queue
import signal
import sys
import threading

from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import SIGNALS, Service


class Waiting:
    """A bounded queue: who puts takes a free place first, who gets gives it back.

    Two queues in C in place of `queue.Queue`, whose locks in Python cost a tenth of a short
    connection.
    """

    def __init__(self, places: int) -> None:
        self._waiting = queue.SimpleQueue[Connection | None]()
        self._free = queue.SimpleQueue[None]()
        for _ in range(places):
            self._free.put(None)

    def is_full(self) -> bool:
        """Whether `put` would wait."""
        return self._free.empty()

    def put(self, conn: Connection | None) -> None:
        """Append ``conn`` once there is a place."""
        self._free.get()
        self._waiting.put(conn)

    def get(self) -> Connection | None:
        """Wait for the oldest and take it out."""
        conn = self._waiting.get()
        self._free.put(None)
        return conn


def serve(service: Service) -> None:
    """Accept into the queue until the drain, then let each worker take its leave."""
    workers = service.settings.workers
    waiting = Waiting(places=workers)
    threads = [
        threading.Thread(target=_work, args=(service, waiting, worker), daemon=True)
        for worker in range(1, workers + 1)
    ]  # daemons, so that a server that cannot start all of them ends
    for worker, thread in enumerate(threads, start=1):
        thread.start()
        service.log(0).emit("worker_started", index=worker, worker_pid=thread.native_id)
    service.listening(workers)
    for conn in service.connections(worker=0):
        if waiting.is_full():
            service.log(0).flush()  # put may block for long
        waiting.put(conn)
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()


def _work(service: Service, waiting: Waiting, worker: int) -> None:
    """Own one connection after another, each to its end.

    Signals are left to the main thread: one that comes to another would not wake it (signal(7)).
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
    """Drain and fail for a defect: a thread leaves memory behind that nobody can vouch for."""
    sys.excepthook(*sys.exc_info())
    if conn.is_open:
        conn.reset("defect of the server", service.log(worker))
    if not service.failure:
        service.fail(f"worker {worker} met a defect; giving up")
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main("threaded", serve)
