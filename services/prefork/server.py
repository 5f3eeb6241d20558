"""``prefork``: the parent listens and forks; every worker blocks in ``accept`` on that listener.

Excess connections wait in the kernel's accept queue, which all workers share; the kernel wakes one
idle worker for each connection.
One slow client holds up one worker; as many slow clients as workers hold up everyone. A worker
that dies takes its one connection with it, and the parent forks another.
"""

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass

from labkit.server.program import main
from labkit.server.service import Service

SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGALRM}
PR_SET_PDEATHSIG = 1  # prctl(2)
SHORT_LIFE_S = 0.05
FIRST_BACK_OFF_S = 0.05
SHORT_LIVES_ALLOWED = 5  # in a row by one worker: then starting it again cures nothing


def serve(service: Service) -> None:
    """Fork the workers, keep their number, and outlive them all."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # taken by sigtimedwait, one at a time
    pool = Pool(service)
    for index in range(1, service.settings.workers + 1):
        pool.start(Worker(index))
    service.listening(service.settings.workers)
    pool.supervise()


@dataclass
class Worker:
    """One place in the pool: its number, from 1, and how its occupants fared.

    ``due_s`` is the monotonic second to fork the next occupant at, None while one runs.
    """

    index: int
    started_s: float = 0.0
    due_s: float | None = None
    short_lives: int = 0

    def back_off(self) -> None:
        """Plan the next occupant: at once, or later and later where they die as they start."""
        now_s = time.monotonic()
        self.short_lives = self.short_lives + 1 if now_s - self.started_s < SHORT_LIFE_S else 0
        self.due_s = now_s
        if self.short_lives:
            self.due_s += FIRST_BACK_OFF_S * 2 ** (self.short_lives - 1)


class Pool:
    """The workers, running by pid or due to be forked."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: dict[int, Worker] = {}
        self._due: list[Worker] = []

    def start(self, worker: Worker) -> None:
        """Fork the next occupant of ``worker``."""
        log = self._service.log(0)
        log.flush()  # what is gathered must not be written twice
        pid = fork_worker(self._service, worker.index)
        worker.started_s, worker.due_s = time.monotonic(), None
        self._running[pid] = worker
        log.emit("worker_started", index=worker.index, worker_pid=pid)
        log.flush()

    def supervise(self) -> None:
        """Reap and respawn until a signal begins the drain and the last worker has left."""
        while self._running or not self._service.draining:
            received = signal.sigtimedwait(SIGNALS, self._wait_s())
            if received is not None and received.si_signo != signal.SIGCHLD:
                self._drain(received.si_signo)
            self._reap()  # one SIGCHLD may stand for several deaths, signal(7)
            if not self._service.draining:
                self._respawn()

    def _wait_s(self) -> float:
        due_s = min((worker.due_s for worker in self._due if worker.due_s), default=None)
        return 60 if due_s is None else max(due_s - time.monotonic(), 0)

    def _drain(self, signum: int) -> None:
        """Pass the signal on; the second, or the drain time-out, ends all workers at once."""
        is_last = self._service.draining
        for pid in self._running:
            os.kill(pid, signal.SIGKILL if is_last else signal.SIGTERM)
        if is_last:
            self._reap(0)
        self._service.handle_signal(signum)

    def _reap(self, options: int = os.WNOHANG) -> None:
        while self._running:
            pid, status, usage = os.wait4(-1, options)
            if pid == 0:
                return
            worker = self._running.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            self._service.log(0).emit(
                "worker_exited",
                index=worker.index,
                worker_pid=pid,
                exit_code=code,
                reason=signal.Signals(-code).name if code < 0 else f"exit code {code}",
                peak_memory_bytes=usage.ru_maxrss * 1024,
            )
            self._service.log(0).flush()
            if not self._service.draining:
                worker.back_off()
                self._due.append(worker)
            elif code:
                self._service.fail(f"worker {worker.index} did not drain")

    def _respawn(self) -> None:
        now_s = time.monotonic()
        due = [worker for worker in self._due if worker.due_s is not None and worker.due_s <= now_s]
        for worker in due:
            if worker.short_lives > SHORT_LIVES_ALLOWED:
                self._service.fail(f"worker {worker.index} dies whenever it starts; giving up")
                self._drain(signal.SIGTERM)
                return
            self._due.remove(worker)
            self.start(worker)


def fork_worker(service: Service, index: int) -> int:
    """Return the pid of a new process that serves as worker ``index`` and never returns here."""
    parent = os.getpid()
    if pid := os.fork():
        return pid
    code = 1
    try:
        service.become_worker()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if os.getppid() == parent:  # else it died before the line above could tell
            for conn in service.connections(index):
                service.serve_connection(conn, index)
        service.log(index).flush()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)  # a worker must never run the parent's code


if __name__ == "__main__":
    main("prefork", serve)
