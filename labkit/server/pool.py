"""A fixed pool of worker processes: forks them, waits for signals, replaces workers, drains.

What a worker does is the model's. The parent serves no connection: it takes its signals by
sigtimedwait(2), one at a time, and leaves the book-keeping to `labkit.server.supervisor`.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeAlias

from labkit.server.limits import lack_of_descriptors
from labkit.server.service import LEAVE, RELOAD, SIGNALS, Service
from labkit.server.supervisor import Supervisor, end_with_parent

AWAITED = {*SIGNALS, signal.SIGCHLD, RELOAD, LEAVE}

Work: TypeAlias = Callable[[Service, int], None]
"""Serves as the worker of this number, in its own process, until it drains or leaves."""


def run_pool(service: Service, work: Work, on_exit: Callable[[int], None] | None = None) -> None:
    """Fork the workers, replace each that dies, and return after the last has drained.

    ``on_exit(pid)`` is called after a worker's process has ended.
    """
    service.keep_blocked(AWAITED)
    workers = Supervisor(service, partial(fork_worker, work), on_exit)
    workers.start()
    service.listening(service.settings.workers)
    while workers.has_workers or not service.draining:
        received = signal.sigtimedwait(AWAITED, workers.wait_s())
        if received is not None:
            obey(service, workers, received.si_signo)
        workers.reap()  # one SIGCHLD may stand for several deaths, signal(7)
        workers.restart()


def obey(service: Service, workers: Supervisor, signum: int) -> None:
    """Reload or drain, if ``signum`` asks for that."""
    if signum == RELOAD:
        workers.reload()
    elif signum in SIGNALS:
        drain(service, workers, signum)


class Processes(Protocol):
    """The worker processes of a server."""

    def send_signal(self, signum: int) -> None:
        """Send a signal to each."""

    def reap(self, *, wait: bool) -> None:
        """Log each that has ended; with ``wait``, wait for all."""


def drain(service: Service, workers: Processes, signum: int) -> None:
    """Drain the workers; on a second signal, or on the drain time-out, kill them."""
    if service.draining:
        workers.send_signal(signal.SIGKILL)
        workers.reap(wait=True)
    else:
        workers.send_signal(signal.SIGTERM)
    service.handle_signal(signum)


def fork_worker(work: Work, service: Service, worker: int) -> int:
    """Return the pid of a new process that serves as ``worker`` and never returns here."""
    parent = os.getpid()
    if pid := os.fork():
        return pid
    code = 1
    try:
        service.become_worker()
        end_with_parent(parent)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)
        work(service, worker)
        service.log(worker).flush()
        code = service.exit_code
    except BaseException as exc:
        if lack := lack_of_descriptors(exc):
            service.report(f"worker {worker} cannot serve: {lack}")
        else:
            sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)  # a worker must never run the parent's code
