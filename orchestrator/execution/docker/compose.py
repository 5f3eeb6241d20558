"""The ``docker compose`` command, which builds and starts what `compose.yaml` defines."""

import contextlib
import functools
import json
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator.execution.backend import BackendError
from orchestrator.execution.interrupts import held
from orchestrator.execution.program_log import last_lines
from orchestrator.scenario.models import COMPOSE_FILE, ROOT

QUICK_DEADLINE_S = 10.0  # of commands that only print something
BUILD_DEADLINE_S = 900.0
UP_DEADLINE_S = 120.0
UP_PER_REPLICA_S = 2.0
INTERRUPT_GRACE_S = 10.0
ENV_FILE = ROOT / ".env"
MACHINE_SETTINGS = frozenset({"LAB_NOFILE"})
"""Settings of the machine, not of a scenario: from the caller's environment or `.env`."""

NOT_PASSED = ("LAB_", "COMPOSE_", "DOCKER_DEFAULT_PLATFORM")
"""Prefixes of variables that would change what Compose starts, or for which platform."""

ADVICE = {
    "rlimit": "the engine cannot set the limit of open files LAB_NOFILE, which is 16384 unless it "
    f"is set: write LAB_NOFILE=<the engine's hard limit> into {ENV_FILE}, or raise that limit",
    "nofile": f"LAB_NOFILE must be a whole number; correct it in the environment or in {ENV_FILE}",
    "minimum memory limit": "raise limits.memory in the scenario",
    "range of cpus": "lower limits.cpus in the scenario to the CPUs that the engine's host has",
    "address pools": "remove unused networks: docker network prune",
    "no space left": "make room: orchestrate.py clean --images removes the lab's images",
    "failed to initialize logging driver": "the engine's log-opts conflict with compose.yaml",
}
"""What to do, by what the engine or Compose prints in lower case."""

_KNOB = re.compile(r"\$\{(LAB_[A-Z_]+)")


class ComposeError(BackendError):
    """A ``docker compose`` command failed; the message has the command and its output."""


def compose_version() -> str:
    """Return Compose's version.

    Raises:
        ComposeError: there is no Compose v2.
    """
    printed = run_docker(["compose", "version", "--short"], timeout_s=QUICK_DEADLINE_S)
    return printed.strip().rpartition("\n")[2]  # warnings come before it


class Compose:
    """``docker compose`` with this repository's compose.yaml, under one project name."""

    def __init__(self, project: str, *overrides: Path) -> None:
        files = [COMPOSE_FILE, *overrides]
        self._options = ["compose", "--project-name", project, "--project-directory", str(ROOT)]
        for file in files:
            self._options += ["--file", str(file.absolute())]  # the command runs in another folder

    def services(self, *names: str) -> dict[str, dict[str, Any]]:
        """Return the services ``names`` as Compose resolves them.

        Raises:
            ComposeError: it failed, or printed something else.
        """
        command = [*self._options, "config", "--format", "json", *names]
        printed = run_docker(command, timeout_s=QUICK_DEADLINE_S)
        try:
            services = json.loads(printed[printed.index("{") :])["services"]
            return {name: dict(services[name]) for name in names}
        except (ValueError, KeyError, TypeError) as exc:
            shown = f"{_shown(command)} printed no services:\n{last_lines(printed)}"
            raise ComposeError(shown) from exc

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
        run_docker([*self._options, "up", "--detach", *scale, *services], timeout_s=timeout_s)


def run_docker(arguments: Sequence[str], timeout_s: float) -> str:
    """Run the docker command, in a session of its own so that a Ctrl-C does not reach it.

    Raises:
        ComposeError: it failed or took longer than ``timeout_s``.
    """
    process: subprocess.Popen[str] | None = None
    try:
        with held():
            process = _spawn(arguments)
        output, _ = process.communicate(timeout=timeout_s)
    except BaseException as exc:
        if process is not None:
            _interrupt(process)
        if isinstance(exc, subprocess.TimeoutExpired):
            raise ComposeError(f"{_shown(arguments)} took over {timeout_s:g} s") from exc
        raise
    if process.returncode:
        raise ComposeError(f"{_shown(arguments)} failed:\n{last_lines(output)}{_advice(output)}")
    return output


def _advice(output: str) -> str:
    """Return what to do about a failure that the output of a command names, empty if unknown."""
    return next((f"\n{advice}" for sign, advice in ADVICE.items() if sign in output.lower()), "")


def compose_environment() -> dict[str, str]:
    """Return our environment; every setting of compose.yaml is empty, so Compose uses its default.

    A variable of the environment wins over `.env`, so neither the caller's shell nor that file
    changes what a scenario says. `MACHINE_SETTINGS` and ``BASE_IMAGE`` are passed on.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in MACHINE_SETTINGS or not name.startswith(NOT_PASSED)
    }
    return dict.fromkeys(_knobs(), "") | inherited | _direct_to_engine()


def _direct_to_engine() -> dict[str, str]:
    """Return variables that make the docker command reach DOCKER_HOST without a proxy."""
    host = urlsplit(os.environ.get("DOCKER_HOST", "")).hostname
    names = ("NO_PROXY", "no_proxy") if host else ()
    return {name: ",".join(filter(None, (os.environ.get(name), host))) for name in names}


@functools.cache
def _knobs() -> frozenset[str]:
    """Return the settings of the lab that compose.yaml takes from the environment."""
    return frozenset(_KNOB.findall(COMPOSE_FILE.read_text(encoding="utf-8"))) - MACHINE_SETTINGS


def _spawn(arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 our own arguments
        ["docker", *arguments],  # noqa: S607
        cwd=ROOT,
        env=compose_environment(),
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
