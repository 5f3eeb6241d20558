"""A server of the lab on loopback, and what its log says of the last seconds.

It is a process, or in a container that a process keeps. Its log comes through a pipe: nothing is
left of it on a disk. It ends with this process, however that ends: the kernel sends SIGTERM to the
process of the server, or of the container, and to its workers when it ends.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from orchestrator.execution.background import in_background
from orchestrator.execution.docker.compose import BUILD_DEADLINE_S
from orchestrator.execution.host import environment_without_settings
from orchestrator.explore.access import HOST
from orchestrator.explore.watch.accept_queue import AcceptQueue, table_of, waiting_ports
from orchestrator.explore.watch.container import SETTINGS, Published
from orchestrator.explore.watch.narration import read_line
from orchestrator.explore.watch.window import View, Window
from orchestrator.measures.hints import unknown
from orchestrator.results.exit_codes import LabError, MisuseError
from orchestrator.scenario.models import ROOT, discover_models

PROCESS, DOCKER = "process", "docker"
DRAIN = "2s"

MOST_LINE_BYTES = 4096
KEPT_LINES = 12


class WatchError(LabError):
    """The server did not start."""


class _Keeper(NamedTuple):
    """The program that runs a server; the deadlines of its start and of its end.

    The end takes longer than `DRAIN`, after which a server gives up what is in service.
    """

    module: str
    start_s: float
    stop_s: float


KEEPERS = {
    PROCESS: _Keeper("child", start_s=20.0, stop_s=5.0),
    DOCKER: _Keeper("container", start_s=BUILD_DEADLINE_S, stop_s=30.0),
}


class WatchedServer:
    """The server ``model`` on ``port`` of loopback, any free one for 0, once it listens.

    ``backend`` is `PROCESS` or `DOCKER`: a container, whose image is built first if it is missing.
    Create it in a thread that lasts as long as the server is to run: it ends with that thread.
    """

    def __init__(self, model: str, port: int = 0, backend: str = PROCESS) -> None:
        """Start it.

        Raises:
            MisuseError: there is no such model, or a setting in the environment is not valid.
            WatchError: it does not start.
        """
        check_model(model)
        self.model = model
        self.port = 0
        self.is_in_container = backend == DOCKER
        self._keeper = KEEPERS[backend]
        self._queue = AcceptQueue(0)
        self._lock, self._window = threading.Lock(), Window()
        self._errors: deque[str] = deque(maxlen=KEPT_LINES)
        self._begun = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 our own program
            [
                *(sys.executable, "-m", f"orchestrator.explore.watch.{self._keeper.module}"),
                *(str(os.getpid()), model, str(port)),
            ],
            cwd=ROOT,
            env=settings_of(os.environ, port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is for this process
        )
        self._reading = [in_background(self._read_log), in_background(self._read_errors)]
        try:
            self._await_start()
        except BaseException:
            self.close()
            raise

    def view(self) -> View:
        """Return what is known of the last seconds."""
        waiting = waiting_ports(self._queue)
        with self._lock:
            now_ns = time.monotonic_ns()
            self._window.note_waiting(waiting, now_ns)
            return self._window.view(now_ns)

    @property
    def line(self) -> str:
        """Where it listens, or how it has ended."""
        code = self._process.poll()
        if code is None:
            where = ", in a container," if self.is_in_container else ""
            return f"{self.model}{where} listens on {HOST}:{self.port}"
        why = " ".join(list(self._errors)[-1:])
        return f"{self.model} has ended, exit code {code}; start explore again. {why}".rstrip()

    def close(self) -> None:
        """Stop it, and return once it and its workers have ended; kill them if that is late."""
        try:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self._keeper.stop_s)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for reading in self._reading:
            reading.result()

    def _await_start(self) -> None:
        start_s = self._keeper.start_s
        self._begun.wait(start_s)
        if self._queue.port:
            return
        try:
            code = self._process.wait(self._keeper.stop_s)
        except subprocess.TimeoutExpired as exc:
            late = f"--watch: {self.model} did not listen within {start_s:g} s"
            raise WatchError(late) from exc
        self._reading[1].result()
        said = "\n".join(self._errors) or f"it has ended, exit code {code}"
        is_misuse = code == MisuseError.exit_code
        raise (MisuseError if is_misuse else WatchError)(f"--watch {self.model}: {said}")

    def _read_log(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 it is a pipe
        with self._process.stdout as lines:
            while line := lines.readline(MOST_LINE_BYTES):
                self._take(line.decode("ascii", errors="replace"))
        self._begun.set()

    def _take(self, line: str) -> None:
        if where := Published.read(line):
            self.port, self._queue = where.port, AcceptQueue(0, table_of(where.pid))
        said = read_line(line)
        if said is None:
            return
        if said.event == "listening":
            self.port = self.port or said.port
            self._queue = self._queue._replace(port=said.port)
            self._begun.set()
        with self._lock:
            self._window.take(said, time.monotonic_ns())

    def _read_errors(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 it is a pipe
        with self._process.stderr as lines:
            while line := lines.readline(MOST_LINE_BYTES):
                self._errors.append(line.decode(errors="replace").rstrip("\n"))


def check_model(model: str) -> None:
    """Check that ``model`` is one of the lab's.

    Raises:
        MisuseError: it is not.
    """
    models = discover_models()
    if model not in models:
        raise MisuseError(f"--watch: {unknown('model', model, models)}")


def settings_of(own: Mapping[str, str], port: int) -> dict[str, str]:
    """Return the environment of the server: of the lab's settings, those that the user has set.

    Where it listens and what it logs is not for the user to choose.
    """
    users = {name: value for name, value in own.items() if name.startswith(SETTINGS)}
    fixed = {
        "LAB_HOST": HOST,
        "LAB_PORT": str(port),
        "LAB_LOG_FORMAT": "text",
        "LAB_LOG_LEVEL": "trace",
        "LAB_DRAIN_TIMEOUT": DRAIN,
    }
    return {**environment_without_settings(), **users, **fixed}
