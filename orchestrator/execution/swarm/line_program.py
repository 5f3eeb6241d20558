"""A program in or beside a container on any host, which is told lines and answers by lines."""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.compose import docker_environment
from orchestrator.execution.docker.engine import PROJECT_LABEL, SERVICE_LABEL, STACK_LABEL
from orchestrator.execution.interrupts import held
from orchestrator.execution.owner import LABEL, MARK
from orchestrator.execution.probe import PROBE

END_DEADLINE_S = 5.0
SHOWN_CHARS = 300


def run_beside(project: str) -> list[str]:
    """Return the words of ``docker run`` for a program in a container of its own, of ``project``.

    As a probe it has no log and may go at any time; it goes with the project at the latest.
    """
    labels = {
        PROJECT_LABEL: project,
        STACK_LABEL: project,
        SERVICE_LABEL: PROBE,
        LABEL: os.environ.get(MARK, ""),
    }
    words = ["run", "--rm", "--interactive", "--read-only", "--cap-drop", "ALL"]
    return words + [word for label in labels.items() for word in ("--label", "=".join(label))]


class LineProgram:
    """The program of a ``docker`` command with ``words``; it ends when its standard input does.

    ``environment`` are variables with which the command reaches the engine.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self._printed = b""
        with held():
            self._program = subprocess.Popen(  # noqa: S603 our own program
                ["docker", *words],  # noqa: S607
                env=docker_environment() | dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        """What it has printed up to now, as far as it was read."""
        return self._printed.decode(errors="replace")

    def send(self, line: str) -> None:
        """Tell it ``line``; if it has ended, `read_until` says why."""
        assert self._program.stdin is not None  # noqa: S101 for the type checker
        with contextlib.suppress(BrokenPipeError):
            self._program.stdin.write(f"{line}\n".encode())

    def read_until(self, is_enough: Callable[[str], bool], deadline_s: float) -> None:
        """Read until ``is_enough`` of what was printed.

        Raises:
            BackendError: that does not come within ``deadline_s``, or the program ends before it.
        """
        assert self._program.stdout is not None  # noqa: S101 for the type checker
        ends_s = time.monotonic() + deadline_s
        while not is_enough(self.printed):
            left_s = max(ends_s - time.monotonic(), 0.0)
            if not select.select([self._program.stdout], [], [], left_s)[0]:
                raise BackendError(f"it did not answer within {deadline_s:g} s")
            part = self._program.stdout.read(4096)
            if not part:
                said = " ".join(self.printed.split())[-SHOWN_CHARS:]
                raise BackendError(f"it ended: {said or 'it printed nothing'}")
            self._printed += part

    def close(self) -> None:
        """End its standard input, and wait until it has ended; kill it if it does not."""
        for stream in (self._program.stdin, self._program.stdout):
            if stream is not None:
                stream.close()
        try:
            self._program.wait(END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
