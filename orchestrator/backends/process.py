"""The process backend: the very same programs as plain local processes, over loopback.

For a machine without an engine and for fast tests. Each program gets a session of its own, so that
a Ctrl-C reaches the orchestrator alone, which then ends them in order.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.archive import SERVER_LOG
from orchestrator.backends.base import (
    BackendError,
    StageEnd,
    StageOrder,
    last_lines,
    listening_event,
)
from orchestrator.interrupts import held

ROOT = Path(__file__).resolve().parents[2]
START_DEADLINE_S = 20.0
POLL_S = 0.005
GRACE_S = 5.0
LOOPBACK = "127.0.0.1"


class ProcessBackend:
    """Runs ``services/<model>/server.py`` and ``client/client.py`` with this interpreter."""

    name = "process"
    kept: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._programs: list[Program] = []

    def prepare(self, models: Sequence[str]) -> None:
        """Check that every model has a program here.

        Raises:
            BackendError: one has only an image.
        """
        for model in models:
            program = ROOT / "services" / model / "server.py"
            if not program.is_file():
                raise BackendError(
                    f"{model} has no services/{model}/server.py, so it cannot run as a process; "
                    "use --backend docker"
                )

    def describe(self) -> Mapping[str, object]:
        """Return the interpreter that runs servers and clients."""
        return {"python": sys.version.split()[0]}

    @contextmanager
    def stage(self, order: StageOrder) -> Iterator["ProcessStage"]:
        """Start server and conductor side by side, then the replicas; end them all on exit."""
        try:
            stage = ProcessStage(order, self._programs)
            stage.start()
            yield stage
        finally:
            self.close()

    def close(self) -> None:
        """End every program that still runs."""
        with held():
            for program in self._programs:
                program.kill()
            self._programs.clear()


class ProcessStage:
    """The processes of one case; each is put among ``programs`` as soon as it runs."""

    def __init__(self, order: StageOrder, programs: list["Program"]) -> None:
        self._order = order
        self._programs = programs
        self._clients: list[Program] = []

    def start(self) -> None:
        """Start everything; return when the server listens and the conductor answers."""
        order = self._order
        server_settings = {"LAB_HOST": LOOPBACK, "LAB_PORT": "0", **order.environment}
        conductor_settings = {"LAB_CONDUCTOR_HOST": LOOPBACK, "LAB_CONDUCTOR_PORT": "0"}
        self._server = self._run(
            "server", ["-m", f"services.{order.model}.server"], server_settings
        )
        conductor = self._run("conductor", ["client/client.py", "conductor"], conductor_settings)
        self.target = f"{LOOPBACK}:{self._server.listening_port()}"
        self.conductor = (LOOPBACK, conductor.listening_port())
        client_settings = {"LAB_CONDUCTOR": f"{LOOPBACK}:{self.conductor[1]}"}
        self._clients = [
            self._run(f"client-{number:03d}", ["client/client.py"], client_settings)
            for number in range(order.replicas)
        ]

    def end(self) -> StageEnd:
        """Stop the server and wait for the clients; their logs are in the folder already."""
        client_exit_codes = tuple(client.wait(GRACE_S) for client in self._clients)
        server_exit_code = self._server.terminate(self._order.drain_timeout_s + GRACE_S)
        return StageEnd(server_exit_code, client_exit_codes)

    def _run(self, name: str, arguments: list[str], settings: Mapping[str, str]) -> "Program":
        log = self._order.folder / (SERVER_LOG if name == "server" else f"{name}.log")
        with held():
            program = Program(name, arguments, settings, log)
            self._programs.append(program)
        return program


class Program:
    """One Python program in a session of its own, its stdout and stderr in two files."""

    def __init__(
        self, name: str, arguments: list[str], settings: Mapping[str, str], log: Path
    ) -> None:
        self._name = name
        self._log = log
        self._errors = log.with_suffix(".stderr")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAB_")}
        with log.open("ab") as out, self._errors.open("ab") as err:
            self._process = subprocess.Popen(  # noqa: S603 our own programs
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**inherited, **settings},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def listening_port(self) -> int:
        """Wait for the program's ``listening`` event and return the port it names.

        Raises:
            BackendError: it died first, or took too long; with its own last lines.
        """
        waiting = Retrying(
            retry=retry_if_result(lambda port: port is None),
            stop=stop_after_delay(START_DEADLINE_S),
            wait=wait_fixed(POLL_S),
            retry_error_callback=lambda _state: None,
        )
        port = waiting(self._find_port)
        if port is None:
            raise BackendError(
                f"the {self._name} did not listen within {START_DEADLINE_S:g} s\n{self._story()}"
            )
        return port

    def _find_port(self) -> int | None:
        died = self._process.poll() is not None
        event = listening_event(self._log.read_text(encoding="utf-8", errors="replace"))
        if event is not None:
            return int(str(event["port"]))
        if died:
            raise BackendError(
                f"the {self._name} died at start, exit code {self._process.returncode}; "
                f"its last lines:\n{self._story()}"
            )
        return None

    def _story(self) -> str:
        logs = (self._log, self._errors)
        return last_lines("\n".join(log.read_text("utf-8", errors="replace") for log in logs))

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
