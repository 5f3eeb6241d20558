"""The Docker engine through its SDK: find it, list what belongs to a project, remove it.

Only calls that may be made twice are retried.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import docker
import requests
from docker.models.containers import Container
from docker.models.networks import Network
from tenacity import (
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.compose import ComposeError, compose_version

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
SDK_TIMEOUT_S = 60
REMOVERS = 8
ROOT_USERS = frozenset({"root", "0"})
ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException)


@contextlib.contextmanager
def engine_failures() -> Iterator[None]:
    """Raise a `BackendError` in place of the SDK's errors."""
    try:
        yield
    except ENGINE_ERRORS as exc:
        raise BackendError(f"the Docker engine failed: {_reason(exc)}") from exc


class Engine:
    """A Docker engine that has answered."""

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

    def image_ids(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the content digest of each image of ``tags``, under the same name."""
        return {name: str(self._client.images.get(tag).id) for name, tag in tags.items()}

    def is_run_as_root(self, image_id: str) -> bool:
        """Whether an image asks for no other user than root."""
        user = self._client.images.get(image_id).attrs["Config"].get("User") or "root"
        return str(user).partition(":")[0] in ROOT_USERS

    def containers(self, project: str, service: str | None = None) -> list[Container]:
        """Return the project's containers, including ended ones, sorted by service and number."""
        labels = [f"{PROJECT_LABEL}={project}"]
        if service is not None:
            labels.append(f"{SERVICE_LABEL}={service}")
        found = self._client.containers.list(
            all=True, filters={"label": labels}, ignore_removed=True
        )
        return sorted(
            found, key=lambda c: (c.labels[SERVICE_LABEL], int(c.labels.get(NUMBER_LABEL, "0")))
        )

    def ended_containers(self, project: str, service: str) -> list[Container]:
        """Return the containers of a service that have ended; one request if there are none."""
        labels = [f"{PROJECT_LABEL}={project}", f"{SERVICE_LABEL}={service}"]
        filters: dict[str, str | list[str] | bool] = {"label": labels, "status": ["exited", "dead"]}
        return list(self._client.containers.list(all=True, filters=filters, ignore_removed=True))

    @retry(
        retry=retry_if_exception_type(ENGINE_ERRORS),
        stop=stop_after_delay(30),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    def remove(self, project: str) -> None:
        """Remove every container and network of ``project``; some may have gone already."""
        with ThreadPoolExecutor(REMOVERS) as pool:
            list(pool.map(_remove_container, self.containers(project)))
        for network in self._client.networks.list(filters={"label": f"{PROJECT_LABEL}={project}"}):
            with contextlib.suppress(docker.errors.NotFound):
                network.remove()

    def networks_of(self, container: Container) -> list[Network]:
        """Return the networks that ``container`` is on."""
        names = container.attrs["NetworkSettings"]["Networks"].values()
        return [self._client.networks.get(each["NetworkID"]) for each in names]

    def projects(self) -> dict[str, list[tuple[Mapping[str, str], str]]]:
        """Return each Compose project's containers and networks: their labels and their kind."""
        containers = self._client.containers.list(
            all=True, filters={"label": PROJECT_LABEL}, sparse=True
        )
        networks = self._client.networks.list(filters={"label": PROJECT_LABEL})
        parts = [(each.attrs["Labels"], "container") for each in containers]
        parts += [(each.attrs["Labels"], "network") for each in networks]
        found: dict[str, list[tuple[Mapping[str, str], str]]] = {}
        for labels, kind in parts:
            found.setdefault(labels[PROJECT_LABEL], []).append((labels, kind))
        return found


def _remove_container(container: Container) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        try:
            container.remove(force=True, v=True)
        except docker.errors.APIError as exc:
            if exc.status_code != requests.codes.conflict:  # it is being removed already
                raise


def find_engine() -> tuple[Engine | None, str]:
    """Return the engine that answers on this machine, or None; and the reason."""
    if shutil.which("docker") is None:
        return None, "there is no docker command"
    address = _engine_address()
    try:
        client = docker.DockerClient(base_url=address, timeout=SDK_TIMEOUT_S)
        _ping(client)
    except ENGINE_ERRORS as exc:
        return None, f"no Docker engine answers at {address} ({_reason(exc)})"
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


def _engine_address() -> str:
    """Return the address that the docker command uses: DOCKER_HOST, else that of its context."""
    if address := os.environ.get("DOCKER_HOST"):
        return address
    shown = subprocess.run(
        ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=SDK_TIMEOUT_S,
        check=False,
    )
    return shown.stdout.strip() or "unix:///var/run/docker.sock"


def _reason(error: BaseException) -> str:
    """Return the underlying cause, without the layers that wrap it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return str(error).partition("\n")[0][:160] or type(error).__name__
