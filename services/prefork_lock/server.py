"""``prefork_lock``: prefork, in which only the worker that holds a lock blocks in ``accept``.

Excess connections wait in the kernel's accept queue. The idle workers wait in line for the lock,
and not in the kernel's own line behind ``accept``: LAB_ACCEPT_LOCK is ``fcntl``, a record lock, or
``semaphore``.
One slow client occupies one worker; as many slow clients as workers delay every other. A worker
that dies holds up no other: the kernel releases its fcntl lock, the parent its semaphore.
Only here two lines have to move for each connection, one after another. Once, kernels woke every
process that was blocked in ``accept``, and the lock was the cure; today the kernel wakes one.
"""

from functools import partial

from labkit.server.accept_lock import AcceptLock, RecordLock, SemaphoreLock, Turn
from labkit.server.pool import run_pool
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.settings import Choice

ACCEPT_LOCK = Choice("accept_lock", ("fcntl", "semaphore"))
SETTINGS = (ACCEPT_LOCK,)


def serve(service: Service) -> None:
    """Run the pool of worker processes, which share one lock, until the last has drained."""
    is_record = ACCEPT_LOCK.of(service.settings) == "fcntl"
    lock = RecordLock(service.listener) if is_record else SemaphoreLock()
    run_pool(service, partial(_work, lock), lock.recover)


def _work(lock: AcceptLock, service: Service, worker: int) -> None:
    """Accept in turn with the other workers; serve each connection to its end."""
    service.accept_lock = Turn(lock, service.log(worker))
    for conn in service.connections(worker):
        service.serve_connection(conn, worker)


if __name__ == "__main__":
    main("prefork_lock", serve, SETTINGS)
