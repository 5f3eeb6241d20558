"""One of the lab's programs as a local process, with its logs."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.execution.backend import BackendError, last_lines, listening_event
from orchestrator.scenario.models import ROOT

START_DEADLINE_S = 20.0
POLL_S = 0.005


class Program:
    """One program in a session of its own, its stdout and stderr in two files."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        settings: Mapping[str, str],
        log: Path,
        folder: Path = ROOT,
    ) -> None:
        self.name = name
        self._log = log
        self._errors = log.with_suffix(".stderr")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAB_")}
        with log.open("ab") as out, self._errors.open("ab") as err:
            self._process = subprocess.Popen(  # noqa: S603 our own programs
                arguments,
                cwd=folder,
                env={**inherited, **settings},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def listening_port(self, start: int = 0) -> int:
        """Wait for the ``listening`` event of its start of that number; return the port it names.

        Raises:
            BackendError: it died first, or took too long; with its own last lines.
        """
        waiting = Retrying(
            retry=retry_if_result(lambda port: port is None),
            stop=stop_after_delay(START_DEADLINE_S),
            wait=wait_fixed(POLL_S),
            retry_error_callback=lambda _state: None,
        )
        port = waiting(self._find_port, start)
        if port is None:
            raise BackendError(
                f"the {self.name} did not listen within {START_DEADLINE_S:g} s\n{self.story()}"
            )
        return port

    def _find_port(self, start: int) -> int | None:
        died = self._process.poll() is not None
        event = listening_event(self.log, start)
        if event is not None:
            return int(str(event["port"]))
        if died:
            self.check()
        return None

    def check(self) -> None:
        """Have a program run on.

        Raises:
            BackendError: it has ended; with its own last lines.
        """
        if self._process.poll() is not None:
            raise BackendError(
                f"the {self.name} died at start, exit code {self._process.returncode}; "
                f"its last lines:\n{self.story()}"
            )

    def story(self) -> str:
        """Return the end of what it wrote, indented, for an error message."""
        logs = (self._log, self._errors)
        return last_lines("\n".join(log.read_text("utf-8", errors="replace") for log in logs))

    def signal_all(self, signum: signal.Signals) -> None:
        """Send a signal to the program and all it forked."""
        os.killpg(self._process.pid, signum)

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal to the program itself."""
        self._process.send_signal(signum)

    @property
    def log(self) -> str:
        """All that it wrote so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait(self, timeout_s: float) -> int:
        """Return the exit code; a program that outstays ``timeout_s`` is killed."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def terminate(self, timeout_s: float) -> int:
        """Ask the program to end, and return its exit code."""
        self._process.terminate()
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End the program and all it forked, at once; nothing happens where it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
