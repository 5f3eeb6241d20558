"""A program of a stage as a local process, with its logs."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from orchestrator.execution.backend import BackendError
from orchestrator.execution.program_log import last_lines, listening_event, wait_for
from orchestrator.results.archive import ArchiveError, open_log
from orchestrator.results.event_schema import is_whole, shown
from orchestrator.scenario.models import ROOT

START_DEADLINE_S = 20.0
POLL_S = 0.005
MOST_PORT = 65_535


class Program:
    """A program in a session of its own, its stdout and stderr in two files.

    ``environment`` is its whole environment.
    """

    def __init__(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str],
        log: Path,
        folder: Path = ROOT,
    ) -> None:
        self.name = name
        self._log = log
        self._errors = log.with_suffix(".stderr")
        with open_log(log) as out, open_log(self._errors) as err:
            self._process = subprocess.Popen(  # noqa: S603 our own programs
                arguments,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.ended_ns: int | None = None
        """When it ended, of CLOCK_MONOTONIC, if `note_end` was called."""

    def note_end(self) -> None:
        """Note from now on when the program ends; it is not reaped by that."""
        threading.Thread(target=self._note_end, name=f"end of {self.name}", daemon=True).start()

    def _note_end(self) -> None:
        with contextlib.suppress(ChildProcessError):  # it has been reaped meanwhile
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self.ended_ns = time.monotonic_ns()

    def listening_port(self, start: int = 0) -> int:
        """Wait for the ``listening`` event of start number ``start``; return the port in it.

        Raises:
            BackendError: it ended first, or took too long; with its last lines.
        """
        port = wait_for(lambda: self._find_port(start), START_DEADLINE_S, POLL_S)
        if port is None:
            raise BackendError(
                f"the {self.name} did not listen within {START_DEADLINE_S:g} s\n{self.last_lines()}"
            )
        return port

    def _find_port(self, start: int) -> int | None:
        has_ended = self._process.poll() is not None
        event = listening_event(self.log, start)
        if event is not None:
            port = event.get("port")
            if not is_whole(port, MOST_PORT):
                raise BackendError(f"the {self.name} logged no port in listening: {shown(port)}")
            return int(str(port))
        if has_ended:
            self.check()
        return None

    def check(self, moment: str = "at start") -> None:
        """Check that the program still runs; ``moment`` says in the message when it ended.

        Raises:
            BackendError: it has ended; with its last lines.
        """
        if self._process.poll() is not None:
            raise BackendError(
                f"the {self.name} ended {moment}, exit code {self._process.returncode}; "
                f"its last lines:\n{self.last_lines()}"
            )

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll()

    def has_ended_within(self, timeout_s: float) -> bool:
        """Wait for its end, and return whether it came."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self.exit_code is not None

    def last_lines(self) -> str:
        """Return the end of its logs, indented, for an error message."""
        texts = [_read_log(log) for log in (self._log, self._errors)]
        return last_lines("\n".join(text.rstrip("\n") for text in texts))

    def signal_all(self, signum: signal.Signals) -> None:
        """Send a signal to the program and all it forked."""
        os.killpg(self._process.pid, signum)

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal to the program itself."""
        self._process.send_signal(signum)

    @property
    def log(self) -> str:
        """All that it has written to stdout."""
        return _read_log(self._log)

    def wait(self, timeout_s: float) -> int:
        """Return the exit code; kill the program after ``timeout_s``."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def terminate(self, timeout_s: float) -> int:
        """Send the program SIGTERM, and return its exit code."""
        self._process.terminate()
        return self.wait(timeout_s)

    def kill(self) -> None:
        """Kill the program and all it forked, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _read_log(log: Path) -> str:
    """Return all that was written.

    Raises:
        ArchiveError: the folder of the log is gone.
    """
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as exc:
        raise ArchiveError.of(log, exc) from exc
