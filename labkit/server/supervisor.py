"""Keeps a fixed number of worker processes running: starts, reaps, restarts and replaces them.

A worker that ends right after its start is restarted later and later. If that happens too often in
a row, a restart does not help: the server drains and fails. If no process can be had, which may
pass, a restart is tried until it succeeds. How a worker is forked, and how its
parent waits for signals, is left to the model.

A reload replaces the workers one at a time. A worker that is to leave finishes the message in
service, passes its connection on, and exits; its successor takes that connection and continues.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable

from labkit.server.events import REPLACED
from labkit.server.handover import Handover
from labkit.server.limits import start_failure
from labkit.server.reaping import Exit, log_exit, reaped
from labkit.server.service import EXIT_LISTENER_BROKEN, LEAVE, Service

SHORT_LIFE_S = 0.05
FIRST_BACK_OFF_S = 0.05
LONGEST_BACK_OFF_S = 1.0  # after starts that failed
SHORT_LIVES_ALLOWED = 5  # in a row
IDLE_WAIT_S = 60.0
_prctl = ctypes.CDLL(None).prctl  # looked up once: a process for one connection pays for it
_PR_SET_PDEATHSIG = 1  # prctl(2)


class _Place:
    """One place in the pool: its worker's number, from 1, and how its processes fared.

    ``due_s``: the monotonic second at which to start the next process.
    """

    def __init__(self, worker: int) -> None:
        self.worker = worker
        self.started_s = self.due_s = 0.0
        self.short_lives = self.failed_starts = 0

    def back_off(self) -> None:
        """Plan the next start: at once, or later after each short life."""
        now_s = time.monotonic()
        is_short = now_s - self.started_s < SHORT_LIFE_S
        self.short_lives = self.short_lives + 1 if is_short else 0
        back_off_s = FIRST_BACK_OFF_S * 2 ** (self.short_lives - 1) if is_short else 0
        self.due_s = now_s + back_off_s

    def postpone(self) -> None:
        """Plan the next start after one that failed, for lack of processes or memory."""
        back_off_s = min(FIRST_BACK_OFF_S * 2**self.failed_starts, LONGEST_BACK_OFF_S)
        self.due_s = time.monotonic() + back_off_s
        self.failed_starts = min(self.failed_starts + 1, SHORT_LIVES_ALLOWED)


class Supervisor:
    """The worker processes of a service, by pid, and those that are to be restarted.

    ``fork(service, worker)`` starts a process and returns its pid in the parent. ``on_exit(pid)``
    is called after a process has ended, before its successor is forked.
    """

    def __init__(
        self,
        service: Service,
        fork: Callable[[Service, int], int],
        on_exit: Callable[[int], None] | None = None,
    ) -> None:
        self._service = service
        self._fork = fork
        self._on_exit = on_exit or (lambda _pid: None)
        self._running: dict[int, _Place] = {}
        self._due: list[_Place] = []
        self._is_reloading = False
        self._old: list[int] = []  # pids that a reload is still to replace
        self._leaving = 0  # the pid that it replaces now
        self._replaced = 0
        service.handover = Handover()

    @property
    def has_workers(self) -> bool:
        """Whether a worker process is running."""
        return bool(self._running)

    @property
    def missing(self) -> list[int]:
        """The workers whose process has ended and whose next one is not started yet."""
        return [place.worker for place in self._due]

    def start(self) -> None:
        """Start all workers; the service gives up if one cannot be started."""
        self._service.start_workers(lambda worker: self._start(_Place(worker)))

    def wait_s(self) -> float:
        """Return the time until the next restart, or a minute if none is planned."""
        if not self._due:
            return IDLE_WAIT_S
        return max(min(place.due_s for place in self._due) - time.monotonic(), 0)

    def send_signal(self, signum: int) -> None:
        """Send a signal to every worker."""
        for pid in self._running:
            os.kill(pid, signum)

    def reload(self) -> None:
        """Begin to replace all workers that run now, one at a time; `restart` continues it.

        During another reload, those that it has started already are replaced once more.
        """
        if self._service.draining:
            return
        self._is_reloading = True
        self._old = [pid for pid in self._running if pid != self._leaving]
        log = self._service.log(0)
        log.emit("reload_begun", workers=len(self._old))
        log.flush()

    def _continue_reload(self) -> None:
        """Let the next worker leave if no other is missing; end the reload if none is left."""
        if not self._is_reloading or self._leaving or self._due:
            return
        self._old = [pid for pid in self._old if pid in self._running]
        if self._old:
            self._leaving = self._old.pop(0)
            os.kill(self._leaving, LEAVE)
            return
        log = self._service.log(0)
        log.emit("reload_ended", workers=self._replaced)
        log.flush()
        self._is_reloading, self._replaced = False, 0

    def reap(self, *, wait: bool = False) -> None:
        """Log each worker that has ended, and plan its restart. With ``wait``, wait for all."""
        for place, ended in reaped(self._service, self._running, wait=wait):
            self._on_exit(ended.pid)
            self._note_exit(place, ended)

    def restart(self) -> None:
        """Start the workers whose restart is due, unless the server drains or must give up.

        Then continue a reload. A worker that cannot be started is tried again, later and later,
        while the others serve.
        """
        if self._service.draining:
            self._due.clear()
            self._is_reloading = False
            self._service.close_handed_over()
        now_s = time.monotonic()
        for place in [place for place in self._due if place.due_s <= now_s]:
            if place.short_lives > SHORT_LIVES_ALLOWED:
                self._service.give_up(f"worker {place.worker} dies whenever it starts")
                return
            try:
                self._start(place)
            except OSError as exc:
                self._postpone(place, exc)
            else:
                self._due.remove(place)
                place.failed_starts = 0
        self._continue_reload()

    def _postpone(self, place: _Place, error: OSError) -> None:
        """Plan another start; report the first failure of a row."""
        if not place.failed_starts:
            why = start_failure(place.worker, self._service.settings.workers, error)
            self._service.report(f"{why}; trying again, and the other workers serve on")
        place.postpone()

    def _note_exit(self, place: _Place, ended: Exit) -> None:
        is_leaver = ended.pid == self._leaving
        has_left = is_leaver and ended.code == 0 and not self._service.draining
        log_exit(self._service, place.worker, ended, REPLACED if has_left else ended.reason)
        if is_leaver:
            self._leaving = 0
        if has_left:
            self._replaced += 1
            place.due_s = time.monotonic()
            self._due.append(place)
        else:
            self._plan_restart(place, ended.code)

    def _plan_restart(self, place: _Place, exit_code: int) -> None:
        if self._service.draining:
            if exit_code not in (0, EXIT_LISTENER_BROKEN):
                self._service.fail(f"worker {place.worker} did not drain")
        elif exit_code == EXIT_LISTENER_BROKEN:
            self._service.give_up(f"worker {place.worker} cannot accept: a broken listener")
        else:
            self._service.close_listener_of(place.worker)
            place.back_off()
            self._due.append(place)

    def _start(self, place: _Place) -> None:
        log = self._service.log(0)
        log.flush()  # the worker must not write the gathered lines again
        self._service.open_listener_of(place.worker)
        try:
            pid = self._fork(self._service, place.worker)
        except OSError:
            self._service.close_listener_of(place.worker)  # nobody would accept from it
            raise
        place.started_s = time.monotonic()
        self._running[pid] = place
        log.emit("worker_started", index=place.worker, worker_pid=pid)
        log.flush()


def end_with_parent(parent_pid: int) -> None:
    """After a fork: receive SIGTERM when the parent ends, or now if it has ended already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGTERM)
