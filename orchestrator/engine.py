"""The Docker engine and Compose: one adapter for the SDK, one for the command.

The SDK looks, waits and removes; Compose builds and starts, since `compose.yaml` is its language.
tenacity stands only around calls that can be made twice.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import requests
from docker.models.containers import Container
from tenacity import retry, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_fixed

from orchestrator.backends.base import BackendError, last_lines

ROOT = Path(__file__).resolve().parents[1]
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
SDK_TIMEOUT_S = 60
REMOVERS = 8
ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException)


class ComposeError(BackendError):
    """A ``docker compose`` command failed; carries the command and what it said."""


class Engine:
    """A Docker engine that answered, through the SDK."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client

    def describe(self) -> dict[str, object]:
        """Return the versions that explain a difference between two machines."""
        info, version = self._client.info(), self._client.version()
        return {
            "engine": version["Version"],
            "cgroup": info.get("CgroupVersion", "1"),
            "storage": info["Driver"],
            "host": info["OperatingSystem"],
            "compose": compose_version(),
        }

    def image_ids(self, tags: Iterable[str]) -> dict[str, str]:
        """Return each image's content digest by its tag."""
        return {tag: str(self._client.images.get(tag).id) for tag in tags}

    def containers(self, project: str, service: str | None = None) -> list[Container]:
        """Return the project's containers, ended ones too, by service and number."""
        labels = [f"{PROJECT_LABEL}={project}"]
        if service is not None:
            labels.append(f"{SERVICE_LABEL}={service}")
        found = self._client.containers.list(
            all=True, filters={"label": labels}, ignore_removed=True
        )
        return sorted(
            found, key=lambda c: (c.labels[SERVICE_LABEL], int(c.labels.get(NUMBER_LABEL, "0")))
        )

    @retry(
        retry=retry_if_exception_type(ENGINE_ERRORS),
        stop=stop_after_delay(30),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    def remove(self, project: str) -> None:
        """Remove every container and network of ``project``; what has gone already is fine."""
        with ThreadPoolExecutor(REMOVERS) as pool:
            list(pool.map(_remove_container, self.containers(project)))
        for network in self._client.networks.list(filters={"label": f"{PROJECT_LABEL}={project}"}):
            with contextlib.suppress(docker.errors.NotFound):
                network.remove()


def _remove_container(container: Container) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        try:
            container.remove(force=True, v=True)
        except docker.errors.APIError as exc:
            if exc.status_code != requests.codes.conflict:  # somebody is removing it already
                raise


def find_engine() -> tuple[Engine | None, str]:
    """Return the engine that answers here, or None, and in either case how that was found."""
    if shutil.which("docker") is None:
        return None, "there is no docker command"
    try:
        client = docker.DockerClient(base_url=_engine_address(), timeout=SDK_TIMEOUT_S)
        _ping(client)
    except ENGINE_ERRORS as exc:
        return None, f"no Docker engine answers ({_first_line(exc)})"
    try:
        version = compose_version()
    except ComposeError:
        return None, "docker has no Compose v2 (docker compose version fails)"
    engine = client.version()["Version"]
    return Engine(client), f"Docker engine {engine} and Compose {version} answer"


@retry(
    retry=retry_if_exception_type(ENGINE_ERRORS),
    stop=stop_after_attempt(3),
    wait=wait_fixed(0.2),
    reraise=True,
)
def _ping(client: docker.DockerClient) -> None:
    client.ping()


def _engine_address() -> str | None:
    """Return where the docker command itself finds its engine: DOCKER_HOST, else its context."""
    if address := os.environ.get("DOCKER_HOST"):
        return address
    shown = subprocess.run(
        ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=SDK_TIMEOUT_S,
        check=False,
    )
    return shown.stdout.strip() or None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__


def compose_version() -> str:
    """Return Compose's version.

    Raises:
        ComposeError: there is no Compose v2.
    """
    return run_docker(["compose", "version", "--short"], timeout_s=SDK_TIMEOUT_S).strip()


class Compose:
    """``docker compose`` on this repository's compose.yaml, under one project name."""

    def __init__(self, project: str, *overrides: Path) -> None:
        files = [ROOT / "compose.yaml", *overrides]
        self._options = ["compose", "--project-name", project, "--project-directory", str(ROOT)]
        for file in files:
            self._options += ["--file", str(file)]

    def run(self, *arguments: str, timeout_s: float) -> str:
        """Run a Compose command to its end and return what it printed.

        Raises:
            ComposeError: it failed or took longer than ``timeout_s``.
        """
        return run_docker([*self._options, *arguments], timeout_s=timeout_s)


def run_docker(arguments: Sequence[str], timeout_s: float) -> str:
    """Run the docker command, in a session of its own so that Ctrl-C is ours to pass on.

    Raises:
        ComposeError: it failed or took longer than ``timeout_s``.
    """
    with subprocess.Popen(
        ["docker", *arguments],  # noqa: S607
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except BaseException as exc:
            _interrupt(process)
            if isinstance(exc, subprocess.TimeoutExpired):
                raise ComposeError(f"{_shown(arguments)} took over {timeout_s:g} s") from exc
            raise
    if process.returncode:
        raise ComposeError(f"{_shown(arguments)} failed:\n{last_lines(output)}")
    return output


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Let the command end what it has asked of the engine, so that nothing appears after we look."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=10)
        return
    process.kill()


def _shown(arguments: Sequence[str]) -> str:
    """Return the command for a person: without the options that are always the same."""
    skip = {"--project-directory", "--file"}
    words = [
        word
        for before, word in zip(["", *arguments], arguments, strict=False)
        if word not in skip and before not in skip
    ]
    return " ".join(["docker", *words])


def _environment() -> Mapping[str, str]:
    """Return our environment without the knobs: a scenario alone says how its servers are set."""
    return {key: value for key, value in os.environ.items() if not key.startswith("LAB_")}


def listening_event(log: str) -> dict[str, object] | None:
    """Return the ``listening`` event of a program's log, if it is there."""
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            event: dict[str, object] = json.loads(line)
            if event.get("event") == "listening":
                return event
    return None
