"""The ``docker compose`` command, which builds and starts what `compose.yaml` defines."""

import contextlib
import functools
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
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
GONE_GRACE_S = 0.5
WATCH_EVERY_S = 4.0
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
    "/proc/sys/net": "the kernel of the engine's host has no such setting of a container's own: "
    "leave it out of limits.sysctls",
    "range of cpus": "lower limits.cpus in the scenario to the CPUs that the engine's host has",
    "requested cpus are not available": "name CPUs in limits.cpuset that the engine may use",
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
    """``docker compose`` with this repository's compose.yaml, under one project name.

    ``environment`` are variables of compose.yaml that must not be stored in an override.
    ``is_alive`` is called now and then; if it returns False, a command is ended.
    """

    def __init__(
        self,
        project: str,
        *overrides: Path,
        environment: Mapping[str, str] = MappingProxyType({}),
        is_alive: Callable[[], bool] | None = None,
    ) -> None:
        self._environment = environment
        self._is_alive = is_alive
        files = [COMPOSE_FILE, *overrides]
        self._options = ["compose", "--project-name", project, "--project-directory", str(ROOT)]
        for file in files:
            self._options += ["--file", str(file.absolute())]  # the command runs in another folder

    def config(self, *services: str) -> dict[str, Any]:
        """Return ``services`` and their networks as Compose resolves them.

        Raises:
            ComposeError: it failed, or printed something else.
        """
        command = [*self._options, "config", "--format", "json", *services]
        printed = run_docker(command, QUICK_DEADLINE_S, self._environment)
        try:
            config = dict(json.loads(printed[printed.index("{") :]))
            config["services"] = {name: dict(config["services"][name]) for name in services}
        except (ValueError, KeyError, TypeError) as exc:
            shown = f"{_shown(command)} printed no services:\n{last_lines(printed)}"
            raise ComposeError(shown) from exc
        return config

    def services(self, *names: str) -> dict[str, dict[str, Any]]:
        """Return the services ``names`` as Compose resolves them.

        Raises:
            ComposeError: as for `config`.
        """
        return dict(self.config(*names)["services"])

    def build(self, *services: str) -> None:
        """Build the images of ``services`` whose sources have changed.

        Raises:
            ComposeError: it failed or took longer than `BUILD_DEADLINE_S`.
        """
        command = [*self._options, "build", *services]
        run_docker(command, timeout_s=BUILD_DEADLINE_S, is_alive=self._is_alive)

    def up(self, *services: str, clients: int = 0) -> None:
        """Start ``services``, with ``clients`` replicas of the client, and return once they run.

        Without ``clients``, the client is not among the services.

        Raises:
            ComposeError: it failed or took too long.
        """
        scale = ["--scale", f"client={clients}"] if clients else []
        timeout_s = UP_DEADLINE_S + UP_PER_REPLICA_S * clients
        command = [*self._options, "up", "--detach", "--no-build", "--no-deps", *scale, *services]
        run_docker(command, timeout_s, self._environment, self._is_alive)


def run_docker(
    arguments: Sequence[str],
    timeout_s: float,
    environment: Mapping[str, str] = MappingProxyType({}),
    is_alive: Callable[[], bool] | None = None,
) -> str:
    """Run the docker command, in a session of its own so that a Ctrl-C does not reach it.

    ``environment`` is added to ours.

    Raises:
        ComposeError: it failed, took longer than ``timeout_s``, or ``is_alive`` returned False.
    """
    process: subprocess.Popen[str] | None = None
    try:
        with held():
            process = _spawn(arguments, environment)
        output = _output_of(process, timeout_s, is_alive)
    except BaseException as exc:
        if process is not None:
            is_gone = isinstance(exc, _GoneError)
            _interrupt(process, lambda: not is_gone and (is_alive is None or is_alive()))
        if isinstance(exc, subprocess.TimeoutExpired):
            raise ComposeError(f"{_shown(arguments)} took over {timeout_s:g} s") from exc
        if isinstance(exc, _GoneError):
            shown = _shown(arguments)
            raise ComposeError(f"the Docker engine stopped answering during {shown}") from exc
        raise
    if process.returncode:
        raise ComposeError(f"{_shown(arguments)} failed:\n{last_lines(output)}{_advice(output)}")
    return output


class _GoneError(Exception):
    """The engine does not answer while a command runs."""


def _output_of(
    process: subprocess.Popen[str], timeout_s: float, is_alive: Callable[[], bool] | None
) -> str:
    """Return what the command prints until it ends.

    Raises:
        subprocess.TimeoutExpired, _GoneError: it does not end, or cannot.
    """
    deadline_s = time.monotonic() + timeout_s
    while is_alive is not None and time.monotonic() + WATCH_EVERY_S < deadline_s:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=WATCH_EVERY_S)[0]
        if not is_alive():
            raise _GoneError
    return process.communicate(timeout=max(deadline_s - time.monotonic(), 0.0))[0]


def _advice(output: str) -> str:
    """Return what to do about a failure that the output of a command names, empty if unknown."""
    return next((f"\n{advice}" for sign, advice in ADVICE.items() if sign in output.lower()), "")


def docker_environment() -> dict[str, str]:
    """Return our environment; every setting of compose.yaml is empty, so Compose uses its default.

    A variable of the environment wins over `.env`, so neither the caller's shell nor that file
    changes what a scenario says. `MACHINE_SETTINGS` and ``BASE_IMAGE`` are passed on.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in MACHINE_SETTINGS or not name.startswith(NOT_PASSED)
    }
    return dict.fromkeys(_knobs(), "") | inherited | direct_to(os.environ.get("DOCKER_HOST", ""))


def direct_to(address: str) -> dict[str, str]:
    """Return variables that make the docker command reach an engine without a proxy."""
    host = urlsplit(address).hostname
    names = ("NO_PROXY", "no_proxy") if host else ()
    return {name: ",".join(filter(None, (os.environ.get(name), host))) for name in names}


@functools.cache
def _knobs() -> frozenset[str]:
    """Return the settings of the lab that compose.yaml takes from the environment."""
    return frozenset(_KNOB.findall(COMPOSE_FILE.read_text(encoding="utf-8"))) - MACHINE_SETTINGS


def _spawn(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 our own arguments
        ["docker", *arguments],  # noqa: S607
        cwd=ROOT,
        env=docker_environment() | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def _interrupt(process: subprocess.Popen[str], is_alive: Callable[[], bool]) -> None:
    """Let the command finish its requests, so that no container appears after the clean-up.

    Then kill it with its plugins, which would hold its output open. If the engine is not alive,
    the command would wait for it in vain.
    """
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=GONE_GRACE_S)
        return
    if is_alive():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=INTERRUPT_GRACE_S)
            return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
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
