"""What every server does the same way: listen, log, accept, converse, drain, stop.

A model gives `labkit.server.program.main` its name and one function, ``serve(service)``, which
returns when the service has drained.
"""

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from labkit.server.blocking import Conversation
from labkit.server.connection import Connection
from labkit.server.events import EventLog
from labkit.server.listener import (
    OUT_OF_DESCRIPTORS,
    ListenError,
    accept,
    open_listener,
    stop_listening,
)
from labkit.server.logs import Logs
from labkit.server.settings import Settings

ACCEPT_RETRY_S = 0.1
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)


class Service:
    """The listener, the logs and the drain of one server process.

    ``draining`` turns true once, in the signal handler, and never back. Workers are numbered from
    1; 0 stands for what accepts or supervises without serving.
    """

    def __init__(self, model: str, settings: Settings) -> None:
        self.settings = settings
        self.draining = False
        self.failure = ""
        self._logs = Logs(model, settings)
        self._limits = settings.limits
        self._open: set[Connection] = set()
        self._is_worker = False
        self.listener = open_listener(settings)
        self._address = self.listener.getsockname()[:2]

    def log(self, worker: int) -> EventLog:
        """Return the event log of ``worker``."""
        return self._logs[worker]

    def listening(self, workers: int) -> None:
        """Announce that clients may connect, and how many workers this model declares.

        Raises:
            ListenError: the ready file cannot be created.
        """
        if self.draining:
            return  # a signal came while starting
        host, port = self._address
        wall_ns, monotonic_ns = self._logs.stream.anchor
        self.log(0).emit(
            "listening",
            host=host,
            port=port,
            workers=workers,
            wall_ns=wall_ns,
            monotonic_ns=monotonic_ns,
        )
        self.log(0).flush()
        if self.settings.ready_file:
            try:
                Path(self.settings.ready_file).touch()
            except OSError as exc:
                raise ListenError(f"LAB_READY_FILE: cannot create it: {exc}") from exc

    def connections(self, worker: int = 1) -> Iterator[Connection]:
        """Yield each connection as it is accepted, unread, until the drain. Blocks."""
        while not self.draining:
            try:
                conn = self.accept(worker)
            except BlockingIOError:
                self.log(worker).flush()
                continue
            except OSError as exc:
                if self.draining or exc.errno == errno.EINVAL:
                    return  # the drain, of this process or of its parent, took the listener away
                self.refuse(exc, worker)
                time.sleep(ACCEPT_RETRY_S)
                continue
            yield conn

    def accept(self, worker: int) -> Connection:
        """Take the oldest connection of the accept queue.

        Raises:
            BlockingIOError: there is none, or the one there was has gone.
            OSError: for want of descriptors or memory, or because the drain closed the listener.
        """
        sock, peer = accept(self.listener)
        log = self.log(worker)
        conn_id = f"{worker}.{log.count('accepted') + 1}"  # a respawned worker goes on counting
        conn = Connection(sock, conn_id, self._limits, self._open)
        self._open.add(conn)
        log.emit("accepted", conn=conn.id, peer=peer)
        return conn

    def refuse(self, error: OSError, worker: int) -> None:
        """Log that a connection must wait in the accept queue for want of ``error``'s resource.

        Raises:
            OSError: ``error`` is of another kind, and a defect.
        """
        if error.errno not in OUT_OF_DESCRIPTORS:
            raise error
        self.log(worker).emit("accept_refused", error=errno.errorcode[error.errno])
        self.log(worker).flush()

    def serve_connection(self, conn: Connection, worker: int = 1) -> None:
        """Serve ``conn`` to its end and close it. Blocks; a broken connection ends here."""
        log = self.log(worker)
        if self.draining:
            conn.reset("reset by the drain, unread", log)
            return
        idle_timeout_s = self.settings.idle_timeout_s
        conversation = Conversation(conn, log, lambda: self.draining, idle_timeout_s)
        conn.close(conversation.hold(), log)

    def become_worker(self) -> None:
        """After a fork: drain this process alone, leaving the listener to the others.

        The terminal sends Ctrl-C to every process of its group; the parent passes it on as SIGTERM.
        """
        self._is_worker = True
        self._logs.become_worker()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def install_signal_handlers(self) -> None:
        """Drain on SIGTERM and SIGINT, stop at once on the second, or when the drain takes long."""
        for signum in SIGNALS:
            signal.signal(signum, self.handle_signal)

    def handle_signal(self, signum: int, _frame: FrameType | None = None) -> None:
        """Begin the drain; once it has begun, stop at once."""
        if not self.draining:
            self._begin_drain(signum)
        elif signum == signal.SIGALRM:
            self._stop_now("drain time-out", code=1)
        elif not self._is_worker:  # whose parent decides; a whole group may have been signalled
            self._stop_now("second signal", code=128 + signum)

    def _begin_drain(self, signum: int) -> None:
        """Refuse new connections, reset those still in the accept queue, end all reading.

        A blocked ``accept`` is interrupted by the signal and restarted on the listener, which by
        then is closed in this process, so it fails.
        """
        self.draining = True
        drain_timeout_s = self.settings.drain_timeout_s
        signal.setitimer(signal.ITIMER_REAL, drain_timeout_s)
        self._logs.stream.deadline_ns = time.monotonic_ns() + round(drain_timeout_s * 1e9)
        if not self._is_worker:
            queued = stop_listening(self.listener)
            name = signal.Signals(signum).name
            self._logs.control.emit("drain_begun", signal=name, accept_queue_reset=queued)
            self._logs.control.flush()
            self._remove_ready_file()
        self.listener.close()
        for conn in tuple(self._open):
            conn.stop_reading()

    def _remove_ready_file(self) -> None:
        if self.settings.ready_file:
            with contextlib.suppress(OSError):  # a stale file must not end the drain half way
                Path(self.settings.ready_file).unlink()

    def stop(self) -> None:
        """Write everything that is logged and, last, what the whole server did and used."""
        self._logs.stopped(self.failure or "drained")
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)  # too late to change what was logged

    def fail(self, reason: str) -> None:
        """Note why this server will end with exit code 1 once it has stopped."""
        self.failure = reason

    def _stop_now(self, reason: str, code: int) -> NoReturn:
        self._logs.stream.deadline_ns = 0  # who reads the log no more must not hold us
        if self._is_worker:
            self._logs.flush()
        else:
            self._logs.stopped(f"{reason}, {self._logs.connections_open()} connections cut")
        os._exit(code)
