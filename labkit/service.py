"""What every server does the same way: listen, log, accept, converse, drain, stop.

A model gives `labkit.program.main` its name and one function, ``serve(service)``, which returns
when the service has drained.
"""

import contextlib
import errno
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from labkit.connection import Connection, reset_on_close
from labkit.conversation import Conversation
from labkit.events import Counts, EventLog, Stream
from labkit.listener import OUT_OF_DESCRIPTORS, open_listener
from labkit.settings import Settings
from labkit.usage import cpu_times_s, peak_memory_bytes

ACCEPT_RETRY_S = 0.1


class Service:
    """The listener, the logs and the drain of one server process.

    ``draining`` turns true once, in the signal handler, and never back. Workers are numbered from
    1; 0 stands for what accepts or supervises without serving.
    """

    def __init__(self, model: str, settings: Settings) -> None:
        self.settings = settings
        self.draining = False
        self.failure = ""
        stream = Stream(model, 1, settings.log_format == "text", settings.log_level)
        self._stream = stream
        control = settings.workers + 1
        self._counts = Counts(control + 1)
        self._logs = [EventLog(stream, n, self._counts.row(n)) for n in range(control)]
        self._control = EventLog(stream, 0, self._counts.row(control))  # for signal handlers
        self._open: set[Connection] = set()
        self._accepted = 0
        self._is_worker = False
        self.listener = open_listener(settings)
        self._not_listening = socket.socket()

    def log(self, worker: int) -> EventLog:
        """Return the event log of ``worker``."""
        return self._logs[worker]

    def listening(self, workers: int) -> None:
        """Announce that clients may connect, and how many workers this model declares."""
        host, port = self.listener.getsockname()[:2]
        wall_ns, monotonic_ns = self._stream.anchor
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
            Path(self.settings.ready_file).touch()

    def connections(self, worker: int = 1) -> Iterator[Connection]:
        """Yield each connection as it is accepted, unread, until the drain. Blocks."""
        while not self.draining:
            try:
                conn = self.accept(worker)
            except BlockingIOError:
                self.log(worker).flush()
                continue
            except OSError as exc:
                if self.draining:
                    return
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
        try:
            sock, address = self.listener.accept()
        except ConnectionAbortedError as exc:
            raise BlockingIOError from exc
        self._accepted += 1
        conn = Connection(sock, f"{worker}.{self._accepted}", self.settings.limits, self._open)
        self._open.add(conn)
        self.log(worker).emit("accepted", conn=conn.id, peer=f"{address[0]}:{address[1]}")
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def install_signal_handlers(self) -> None:
        """Drain on SIGTERM and SIGINT, stop at once on the second, or when the drain takes long."""
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(signum, self.handle_signal)

    def handle_signal(self, signum: int, _frame: FrameType | None = None) -> None:
        """Begin the drain; once it has begun, stop at once."""
        if not self.draining:
            self._begin_drain(signum)
            return
        cut = f"{len(self._open)} connections cut"
        if signum == signal.SIGALRM:
            self._stop_now(f"drain time-out, {cut}", code=1)
        self._stop_now(f"second signal, {cut}", code=128 + signum)

    def _begin_drain(self, signum: int) -> None:
        """Refuse new connections, reset those still in the accept queue, end all reading.

        A blocked ``accept`` is interrupted by the signal, restarted on the same descriptor, and
        fails there: by then it names a socket that does not listen, in this process alone.
        """
        self.draining = True
        signal.setitimer(signal.ITIMER_REAL, self.settings.drain_timeout_s)
        if not self._is_worker:
            name = signal.Signals(signum).name
            self._control.emit(
                "drain_begun", signal=name, accept_queue_reset=self._reset_accept_queue()
            )
            self._control.flush()
            self._remove_ready_file()
        os.dup2(self._not_listening.fileno(), self.listener.fileno(), inheritable=False)
        for conn in tuple(self._open):
            conn.stop_reading()

    def _reset_accept_queue(self) -> int:
        """Reset every connection that waits unaccepted, so that no client waits for nothing."""
        self.listener.setblocking(False)
        queued = 0
        with contextlib.suppress(OSError):  # EAGAIN: none is left
            while True:
                sock, _ = self.listener.accept()
                reset_on_close(sock)
                sock.close()
                queued += 1
        return queued

    def _remove_ready_file(self) -> None:
        if self.settings.ready_file:
            Path(self.settings.ready_file).unlink(missing_ok=True)

    def stop(self) -> None:
        """Write everything that is logged and, last, what the whole server did and used."""
        for log in self._logs:
            log.flush()
        self._emit_stopped(self.failure or "drained")

    def fail(self, reason: str) -> None:
        """Note why this server will end with exit code 1 once it has stopped."""
        self.failure = reason

    def _stop_now(self, reason: str, code: int) -> NoReturn:
        self._emit_stopped(reason)
        os._exit(code)

    def _emit_stopped(self, reason: str) -> None:
        if self._is_worker:
            return
        user_s, system_s = cpu_times_s()
        self._control.emit(
            "stopped",
            reason=reason,
            counts=self._counts.total() | {"stopped": 1},
            cpu_user_s=round(user_s, 6),
            cpu_system_s=round(system_s, 6),
            peak_memory_bytes=peak_memory_bytes(),
        )
        self._control.flush()
