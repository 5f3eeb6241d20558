"""Worker threads: how they start, and how they serve a connection.

Signals are left to the main thread: one that another thread took would not end the main thread's
wait (signal(7)). A defect in one thread ends the server, because all of them share its memory.

The main thread waits for a lock by `put`, `get` and `join` only. Each waits a tick at a time: the
interpreter notes a signal and runs its handler later, and if the signal arrives just before
sem_wait(3), nothing ends that wait.
"""

import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias, TypeVar

from labkit.server.connection import TICK_S, Connection
from labkit.server.limits import start_failure
from labkit.server.service import ACCEPT_RETRY_S, SIGNALS, Service
from labkit.server.settings import Whole, variable

Work: TypeAlias = Callable[[int], None]
"""Serves as the worker of this number, in a thread of its own."""
Item = TypeVar("Item")


def start_pool(service: Service, work: Work) -> list[threading.Thread]:
    """Start ``work`` in a thread for each worker; the service gives up if one cannot be started."""
    return service.start_workers(partial(_start_worker, service, work))


def _start_worker(service: Service, work: Work, worker: int) -> threading.Thread:
    thread = _start(partial(work, worker))
    service.log(0).emit("worker_started", index=worker, worker_pid=thread.native_id)
    return thread


def start_when_possible(
    service: Service, work: Work, worker: int, bound: Whole | None = None
) -> bool:
    """Start ``work`` in a thread as ``worker``, one of as many as LAB_WORKERS or ``bound`` says.

    Blocks while no thread can be had, and tries again; returns False if the drain begins meanwhile.
    """
    is_reported = False
    while not service.draining:
        try:
            _start(partial(work, worker))
        except RuntimeError as exc:
            if not is_reported:
                _report(service, worker, bound, exc)
                is_reported = True
            service.log(0).flush()
            time.sleep(ACCEPT_RETRY_S)
        else:
            return True
    return False


def _report(service: Service, worker: int, bound: Whole | None, error: RuntimeError) -> None:
    if bound is None:
        why = start_failure(worker, service.settings.workers, error)
    else:
        why = start_failure(worker, bound.of(service.settings), error, variable(bound.name))
    service.report(f"{why}; trying again, and the other threads serve on")


def _start(work: Callable[[], None]) -> threading.Thread:
    """Start a thread with all signals of the server blocked, from its first instant."""
    thread = threading.Thread(target=work, daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # a thread inherits the mask
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread


def serve_or_give_up(service: Service, conn: Connection, worker: int) -> None:
    """Serve ``conn`` to its end. After a defect, reset it, and let the server drain and fail."""
    try:
        service.serve_connection(conn, worker)
    except Exception:
        sys.excepthook(*sys.exc_info())
        if conn.is_open:
            conn.reset("defect of the server", service.log(worker))
        service.give_up(f"worker {worker} met a defect")


def put(items: queue.Queue[Item], item: Item) -> None:
    """Put ``item`` into ``items``; blocks while they are full, and takes signals meanwhile."""
    while True:
        try:
            return items.put(item, timeout=TICK_S)
        except queue.Full:
            continue


def get(items: queue.Queue[Item]) -> Item:
    """Return the next of ``items``; blocks while there is none, and takes signals meanwhile."""
    while True:
        try:
            return items.get(timeout=TICK_S)
        except queue.Empty:
            continue


def join(threads: Iterable[threading.Thread]) -> None:
    """Block until all ``threads`` have ended, and take signals meanwhile."""
    for thread in threads:
        while thread.is_alive():
            thread.join(TICK_S)
