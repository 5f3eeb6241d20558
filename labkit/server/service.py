"""What every server does the same way: listen, log, accept, serve a connection, drain, stop.

A model passes its name and one function, ``serve(service)``, to `labkit.server.program.main`. The
function returns when the service has drained.
"""

import contextlib
import errno
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

from labkit.protocol.session import End
from labkit.server.blocking import converse
from labkit.server.connection import DRAIN, Connection
from labkit.server.events import EventLog
from labkit.server.handover import Handover
from labkit.server.limits import DescriptorWall, start_failure
from labkit.server.listener import (
    LISTENER_IS_BROKEN,
    QUEUE_IS_EMPTY,
    ListenError,
    accept,
    open_listener,
    stop_listening,
)
from labkit.server.logs import Logs
from labkit.server.own_listeners import OwnListeners
from labkit.server.passing import Inlet, Passed
from labkit.server.settings import Settings
from labkit.server.stream import report

ACCEPT_RETRY_S = 0.1
Worker = TypeVar("Worker")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
RELOAD = signal.SIGHUP
LEAVE = signal.SIGUSR1  # from the parent to one worker process
EXIT_LISTENER_BROKEN = 3  # of a worker process; its parent then gives up


class Service:
    """The listener, the logs and the drain of one server process.

    ``draining`` becomes true in the signal handler and stays true, and so does ``leaving``, in a
    worker process that is to be replaced: it passes its connection on by ``handover``. A worker
    holds ``accept_lock``, if any, while it blocks in accept(2). Workers are numbered from 1; number
    0 is the thread or process that accepts or supervises and serves no connection.
    """

    def __init__(self, model: str, settings: Settings) -> None:
        self.settings = settings
        self.draining = False
        self.leaving = False
        self.handover: Handover | None = None
        self.accept_lock: AbstractContextManager[object] | None = None
        self.failure, self.exit_code = "", 0
        self._logs = Logs(model, settings)
        self._limits = settings.limits
        self._open: set[Connection] = set()
        self._is_worker = False
        self._wall: DescriptorWall | None = None
        self.listener = open_listener(settings)
        self._own: OwnListeners | None = None
        self._inlet: Inlet | None = None
        self._address = self.listener.getsockname()[:2]
        self.log(0).emit("started")
        self.log(0).flush()  # before any fork, so that the line is written once

    def log(self, worker: int) -> EventLog:
        """Return the event log of ``worker``."""
        return self._logs[worker]

    def listening(self, workers: int) -> None:
        """Take signals from now on; log that clients may connect, and the declared workers.

        Raises:
            ListenError: the ready file cannot be created.
        """
        if not self._logs.stream.stop_signals:  # otherwise a parent keeps them blocked
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if self.draining or self.failure:
            return  # a signal arrived during the start, or a worker could not be started
        host, port = self._address
        self.log(0).emit(
            "listening",
            host=host,
            port=port,
            workers=workers,
            **self._logs.start_fields(),
            **({"accept_queues": len(self._listeners)} if self._own else {}),
        )
        self.log(0).flush()
        if self.settings.ready_file:
            try:
                Path(self.settings.ready_file).touch()
            except OSError as exc:
                raise ListenError(f"LAB_READY_FILE: cannot create it: {exc}") from exc

    def split_listener(self) -> None:
        """Give each worker process a listener of its own; call it before the first is forked."""
        self._own = OwnListeners(self.listener, self.settings)

    def open_listener_of(self, worker: int) -> None:
        """Before a fork: open the listener of ``worker`` if it has one of its own and none is open.

        Raises:
            OSError: it cannot be opened.
        """
        if self._own is not None:
            self.listener = self._own.of(worker)

    def close_listener_of(self, worker: int) -> None:
        """After the end of ``worker``: close its own listener and log what became of its queue."""
        if self._own is None:
            return
        closed, log = self._own.close(worker), self.log(0)
        log.emit(
            "listener_closed",
            index=worker,
            accept_queue_reset=closed.reset,
            accept_queue_migrated=closed.migrated,
        )
        log.flush()

    @property
    def _listeners(self) -> tuple[socket.socket, ...]:
        """Those of this process: of the workers, if each has its own."""
        return (self.listener,) if self._own is None else self._own.all

    def limit_descriptors(self, end: int, name: str) -> None:
        """Use descriptors below ``end`` only; if none is left, `refuse` logs ``name``."""
        self._wall = DescriptorWall(end, name)
        self._wall.build()

    def start_workers(self, start: Callable[[int], Worker]) -> list[Worker]:
        """Call ``start`` with the number of each worker, and return what it returns.

        If a worker cannot be started, the server gives up; those that were started are returned.
        """
        workers = self.settings.workers
        started: list[Worker] = []
        for worker in range(1, workers + 1):
            try:
                started.append(start(worker))
            except (OSError, RuntimeError) as exc:  # of os.fork, of threading.Thread.start
                self.give_up(start_failure(worker, workers, exc))
                break
        return started

    @property
    def is_ending(self) -> bool:
        """Whether this process accepts no more and begins no further request."""
        return self.draining or self.leaving

    def connections(self, worker: int = 1) -> Iterator[Connection]:
        """Yield each connection as it is passed on or accepted, unread, until a drain. Blocks."""
        passed_on = self.handed_over(worker)
        while not (self.draining or self.leaving):  # is_ending, without the cost of a call
            try:
                conn = next(passed_on, None) or self.accept(worker)
            except OSError as exc:
                if exc.errno == QUEUE_IS_EMPTY:
                    self.log(worker).flush()
                elif self.refuse(exc, worker):
                    time.sleep(ACCEPT_RETRY_S)
                    passed_on = self.handed_over(worker)  # the error may have ended it
                else:
                    return
                continue
            yield conn

    def accept(self, worker: int) -> Connection:
        """Take the oldest connection of the accept queue, or of the inlet of this worker process.

        Raises:
            OSError: with the errno `QUEUE_IS_EMPTY`, or another, to be passed to `refuse`.
        """
        if self._inlet is not None:
            conn = self.resumed(self._inlet.take())
            self.log(worker).emit("dequeued", conn=conn.id)
            return conn
        if self.accept_lock is None:
            return self.admit(*accept(self.listener), worker)
        with self.accept_lock:
            accepted = accept(self.listener)
        return self.admit(*accepted, worker)

    def admit(self, sock: socket.socket, peer: str, worker: int) -> Connection:
        """Return the connection of ``sock``, which was accepted from ``peer``, and log it."""
        log = self.log(worker)
        conn_id = f"{worker}.{log.count('accepted') + 1}"  # a new worker continues the count
        conn = self._opened(sock, conn_id)
        log.emit("accepted", conn=conn.id, peer=peer)
        return conn

    def take_from(self, inlet: Inlet) -> None:
        """In a worker process: take the connections that the parent accepts and passes on."""
        self._inlet = inlet
        self.listener.close()  # so a descriptor is left for a connection, whatever the limit

    def resumed(self, passed: Passed) -> Connection:
        """Return the connection that another process of this server has passed on."""
        sock, state = passed
        conn = self._opened(sock, state.conn_id)
        conn.resume(state)
        return conn

    def _opened(self, sock: socket.socket, conn_id: str) -> Connection:
        conn = Connection(sock, conn_id, self._limits, self._open)
        self._open.add(conn)
        return conn

    def handed_over(self, worker: int) -> Iterator[Connection]:
        """Yield what worker processes have passed on to ``worker``; in a drain it is closed.

        Raises:
            OSError: no descriptor is left, to be passed to `refuse`; the rest stays in the queue.
        """
        while not self.leaving and self.handover and (taken := self.handover.take()):
            conn = self.resumed(taken)
            if self.draining:
                conn.close(DRAIN, self.log(worker))
            else:
                yield conn

    def close_handed_over(self) -> None:
        """In a drain: close the connections that no worker process has taken yet."""
        with contextlib.suppress(OSError):  # no descriptor is left: the next call closes them
            next(self.handed_over(0), None)

    def refuse(self, error: OSError, worker: int) -> bool:
        """Log that ``accept`` failed; return whether to try again, after `ACCEPT_RETRY_S`.

        If not, the server drains, or the listener is broken and it gives up.
        """
        if self.is_ending:
            return False  # the listener was closed for that
        name = errno.errorcode.get(error.errno or 0, str(error.errno))
        if error.errno in LISTENER_IS_BROKEN:
            self._on_broken_listener(error.errno, f"cannot accept: {name}, a broken listener")
            return False
        if error.errno == errno.EMFILE and self._wall is not None and self._wall.is_reached:
            name = self._wall.name
            if not self.log(worker).count("accept_refused"):
                self.report(f"cannot accept: {self._wall}; trying again, and connections wait")
        self.log(worker).emit("accept_refused", error=name)
        self.log(worker).flush()
        return True

    def _on_broken_listener(self, code: int, reason: str) -> None:
        """Give up; a worker process drains by itself instead, and its parent decides."""
        if not self._is_worker:
            self.give_up(reason)
        elif code != errno.EINVAL:  # EINVAL: the parent drains, and has shut the listener down
            self.fail(reason, EXIT_LISTENER_BROKEN)
            os.kill(os.getpid(), signal.SIGTERM)  # an event loop has other connections to finish

    def exclude_cpu_times(self, usage: resource.struct_rusage) -> None:
        """Do not report the CPU time of a child that was reaped and is no worker."""
        self._logs.exclude_cpu_times(usage)

    def serve_connection(self, conn: Connection, worker: int = 1) -> None:
        """Serve ``conn`` to its end and close it. Blocks; does not raise if ``conn`` breaks."""
        log = self.log(worker)
        if self.draining:
            conn.reset("reset by the drain, unread", log)
            return
        end = converse(conn, log, self)
        if end is DRAIN and not self.draining:  # this worker leaves
            end = conn.session.end or end
            if end is DRAIN and self.handover is not None and self.handover.give(conn):
                return
        conn.close(end, log)

    def silent_connections(self) -> Iterator[tuple[Connection, End]]:
        """Yield each open connection that has been silent for too long, with the reason to close.

        For an event loop; it must skip those that are in service. A blocking server does not need
        this, because `serve_connection` checks its own connection once a tick.
        """
        settings = self.settings
        idle_timeout_s = settings.drain_timeout_s if self.leaving else settings.idle_timeout_s
        for conn in self._open.copy():
            end = conn.silence_end(draining=self.draining, idle_timeout_s=idle_timeout_s)
            if end is not None:
                yield conn, end

    def keep_blocked(self, signals: Iterable[int]) -> None:
        """Block ``signals``: this process takes them one at a time, between its waits."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        self._logs.stream.heed(SIGNALS, self.settings.drain_timeout_s)

    def become_worker(self) -> None:
        """After a fork: let a drain end this process only and leave the listener to the others.

        A terminal sends Ctrl-C to every process of its group, so a worker ignores SIGINT: its
        parent sends it SIGTERM. A terminal that is closed sends SIGHUP likewise.
        """
        self._is_worker = True
        self._logs.become_worker()
        if self._own is not None:
            self._own.keep(self.listener)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(RELOAD, signal.SIG_IGN)
        signal.signal(LEAVE, self._leave)

    def _leave(self, _signum: int, _frame: FrameType | None) -> None:
        """Accept no more and begin no further request; the listener stays open in its parent."""
        self.leaving = True
        self._stop_accepting()

    def install_signal_handlers(self) -> None:
        """Drain on SIGTERM or SIGINT; stop at once on a second one or on the drain time-out."""
        for signum in SIGNALS:
            signal.signal(signum, self.handle_signal)

    def handle_signal(self, signum: int, _frame: FrameType | None = None) -> None:
        """Begin the drain; if it has begun already, stop at once."""
        if not self.draining:
            self._begin_drain(signum)
        elif signum == signal.SIGALRM:
            self._stop_now("drain time-out", code=1)
        elif not self._is_worker:  # a worker's parent decides: the whole group may get it
            self._stop_now("second signal", code=128 + signum)

    def _begin_drain(self, signum: int) -> None:
        """Refuse new connections, reset those in the accept queue, and end all reading.

        A blocked ``accept`` is interrupted by the signal and restarted (PEP 475). The listener is
        closed by then, so the restarted call fails.
        """
        self.draining = True
        drain_timeout_s = self.settings.drain_timeout_s
        signal.setitimer(signal.ITIMER_REAL, drain_timeout_s)
        self._logs.stream.deadline_ns = time.monotonic_ns() + round(drain_timeout_s * 1e9)
        if not self._is_worker:
            if self._own is not None:
                self._own.release_address()
            queued = stop_listening(*self._listeners)
            name = signal.Signals(signum).name
            self._logs.control.emit("drain_begun", signal=name, accept_queue_reset=queued)
            self._logs.control.flush()
            self._remove_ready_file()
        self._stop_accepting()
        if self._own is not None:
            self._own.release()
        for conn in self._open.copy():  # atomic without an interpreter lock, too; tuple() is not
            conn.stop_reading()

    def _stop_accepting(self) -> None:
        """Close what this process takes connections from, which ends a wait for one."""
        self.listener.close()
        if self._inlet is not None:
            self._inlet.close()

    def _remove_ready_file(self) -> None:
        if self.settings.ready_file:
            with contextlib.suppress(OSError):  # a file that stays must not stop the drain
                Path(self.settings.ready_file).unlink()

    def stop(self) -> None:
        """Write all log lines and, last, what the whole server did and used."""
        self._logs.stopped(self.failure or "drained")
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)  # the last line is written

    def fail(self, reason: str, exit_code: int = 1) -> None:
        """Record why this process ends with ``exit_code`` after it has stopped."""
        self.failure, self.exit_code = reason, exit_code

    def report(self, text: str) -> None:
        """Write a line to stderr; no error if that cannot be written."""
        report(self._logs.stream.model, text)

    def give_up(self, reason: str) -> None:
        """Drain as on SIGTERM and end with exit code 1 because of ``reason``. From any thread."""
        if not self.failure:  # a second SIGTERM would stop the server at once
            self.fail(f"{reason}; giving up")
            os.kill(os.getpid(), signal.SIGTERM)

    def _stop_now(self, reason: str, code: int) -> NoReturn:
        self._logs.stream.deadline_ns = 0  # do not wait for a reader of the log
        if self._is_worker:
            self._logs.flush()
        else:
            self._logs.stopped(f"{reason}, connections cut: {self._logs.connections_open()}")
        os._exit(code)
