"""``prefork``: the parent listens and forks; every worker blocks in ``accept`` on that listener.

Excess connections wait in the kernel's accept queue, which all workers share; the kernel wakes one
idle worker for each connection.
One slow client occupies one worker; as many slow clients as workers delay every other. A worker
that dies loses its one connection, and the parent forks another worker. SIGHUP replaces the
workers one at a time; each passes its connection on to its successor.
"""

import os
import signal
import sys

from labkit.server.program import main
from labkit.server.service import LEAVE, RELOAD, SIGNALS, Service
from labkit.server.supervisor import Supervisor, end_with_parent

AWAITED = {*SIGNALS, signal.SIGCHLD, RELOAD, LEAVE}


def serve(service: Service) -> None:
    """Fork the workers, replace each that dies, and return after the last has drained."""
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)  # sigtimedwait takes them, one at a time
    workers = Supervisor(service, _fork_worker)
    workers.start()
    service.listening(service.settings.workers)
    while workers.has_workers or not service.draining:
        received = signal.sigtimedwait(AWAITED, workers.wait_s())
        if received is not None and received.si_signo == RELOAD:
            workers.reload()
        elif received is not None and received.si_signo in SIGNALS:
            _drain(service, workers, received.si_signo)
        workers.reap()  # one SIGCHLD may stand for several deaths, signal(7)
        workers.restart()


def _drain(service: Service, workers: Supervisor, signum: int) -> None:
    """Drain the workers; on a second signal, or on the drain time-out, kill them."""
    if service.draining:
        workers.send_signal(signal.SIGKILL)
        workers.reap(wait=True)
    else:
        workers.send_signal(signal.SIGTERM)
    service.handle_signal(signum)


def _fork_worker(service: Service, worker: int) -> int:
    """Return the pid of a new process that serves as ``worker`` and never returns here."""
    parent = os.getpid()
    if pid := os.fork():
        return pid
    code = 1
    try:
        service.become_worker()
        end_with_parent(parent)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)
        for conn in service.connections(worker):
            service.serve_connection(conn, worker)
        service.log(worker).flush()
        code = service.exit_code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)  # a worker must never run the parent's code


if __name__ == "__main__":
    main("prefork", serve)
