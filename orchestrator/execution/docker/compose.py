"""The ``docker compose`` command, which builds and starts what `compose.yaml` defines."""

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from orchestrator.execution.backend import BackendError
from orchestrator.execution.host import environment_without_settings
from orchestrator.execution.interrupts import held
from orchestrator.execution.program_log import last_lines
from orchestrator.scenario.models import ROOT

VERSION_DEADLINE_S = 30.0
BUILD_DEADLINE_S = 900.0
UP_DEADLINE_S = 120.0
UP_PER_REPLICA_S = 2.0
INTERRUPT_GRACE_S = 10.0


class ComposeError(BackendError):
    """A ``docker compose`` command failed; the message has the command and its output."""


def compose_version() -> str:
    """Return Compose's version.

    Raises:
        ComposeError: there is no Compose v2.
    """
    return run_docker(["compose", "version", "--short"], timeout_s=VERSION_DEADLINE_S).strip()


class Compose:
    """``docker compose`` with this repository's compose.yaml, under one project name.

    ``environment`` are variables of compose.yaml that must not be stored in an override.
    """

    def __init__(
        self, project: str, *overrides: Path, environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._environment = environment
        files = [ROOT / "compose.yaml", *overrides]
        self._options = ["compose", "--project-name", project, "--project-directory", str(ROOT)]
        for file in files:
            self._options += ["--file", str(file)]

    def build(self, *services: str) -> None:
        """Build the images of ``services`` whose sources have changed.

        Raises:
            ComposeError: it failed or took longer than `BUILD_DEADLINE_S`.
        """
        run_docker([*self._options, "build", *services], timeout_s=BUILD_DEADLINE_S)

    def up(self, *services: str, clients: int) -> None:
        """Start ``services``, with ``clients`` replicas of the client, and return once they run.

        Raises:
            ComposeError: it failed or took too long.
        """
        scale = ["--no-build", "--no-deps", "--scale", f"client={clients}"]
        timeout_s = UP_DEADLINE_S + UP_PER_REPLICA_S * clients
        arguments = [*self._options, "up", "--detach", *scale, *services]
        run_docker(arguments, timeout_s, self._environment)


def run_docker(
    arguments: Sequence[str],
    timeout_s: float,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Run the docker command, in a session of its own so that a Ctrl-C does not reach it.

    ``environment`` is added to ours.

    Raises:
        ComposeError: it failed or took longer than ``timeout_s``.
    """
    process: subprocess.Popen[str] | None = None
    try:
        with held():
            process = _spawn(arguments, environment)
        output, _ = process.communicate(timeout=timeout_s)
    except BaseException as exc:
        if process is not None:
            _interrupt(process)
        if isinstance(exc, subprocess.TimeoutExpired):
            raise ComposeError(f"{_shown(arguments)} took over {timeout_s:g} s") from exc
        raise
    if process.returncode:
        raise ComposeError(f"{_shown(arguments)} failed:\n{last_lines(output)}")
    return output


def _spawn(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 our own arguments
        ["docker", *arguments],  # noqa: S607
        cwd=ROOT,
        env=environment_without_settings() | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Let the command finish its requests, so that no container appears after the clean-up."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=INTERRUPT_GRACE_S)
        return
    process.kill()
    process.communicate()


def _shown(arguments: Sequence[str]) -> str:
    """Return the command for a message, without the options that are always the same."""
    skip = {"--project-directory", "--file"}
    words = [
        word
        for before, word in zip(["", *arguments], arguments, strict=False)
        if word not in skip and before not in skip
    ]
    return " ".join(["docker", *words])
