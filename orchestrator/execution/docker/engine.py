"""The Docker engine through its SDK: find it, list what belongs to a project, remove it.

Only calls that may be made twice are retried.
"""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import wait
from typing import TypeVar

import docker
import requests
from docker.models.containers import Container
from docker.models.images import Image
from docker.models.networks import Network
from tenacity import (
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from orchestrator.execution.backend import BackendError
from orchestrator.execution.background import LOOK_EVERY_S, in_background, in_threads, outlast
from orchestrator.execution.docker.compose import ComposeError, compose_version
from orchestrator.execution.docker.endpoint import (
    DirectClient,
    Endpoint,
    find_endpoint,
    named_by_environment,
)
from orchestrator.execution.interrupts import is_interrupted

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
STACK_LABEL = "com.docker.stack.namespace"
"""Of what Swarm has deployed; a manager removes it."""

FIND_TIMEOUT_S, SDK_TIMEOUT_S, ANSWER_TIMEOUT_S = 10, 10, 3
ANSWER_TRIES, SILENCE_S = 2, 15.0
TRANSFER_TIMEOUT_S = 120
INTERRUPTED_S = 1.5  # how long an engine has to answer after an interrupt
NO_ANSWER = f"it accepts the connection, but does not answer within {SDK_TIMEOUT_S} s"
REMOTE_SCHEME = "ssh://"
START = "start one (as root: make engine base-image)"
NO_COMPOSE = "docker has no Compose v2"
PARALLEL_CALLS = 8
REMOVE_DEADLINE_S = 12.0
ROOT_USERS = frozenset({"root", "0"})
ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException)

Part = tuple[Mapping[str, str], str]
"""The labels of what belongs to a project, and its kind: container or network."""

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(call: Callable[[T], R], arguments: Iterable[T]) -> list[R]:
    """Call the engine once for each of ``arguments``, a few at a time; return the results.

    After a failure nothing more is begun, since each call may take until its timeout.
    """
    return in_threads(call, arguments, PARALLEL_CALLS)


@contextlib.contextmanager
def engine_failures() -> Iterator[None]:
    """Raise a `BackendError` in place of the SDK's errors."""
    try:
        yield
    except ENGINE_ERRORS as exc:
        raise BackendError(f"the Docker engine failed: {reason_of(exc)}") from exc


class Engine:
    """A Docker engine that has answered."""

    def __init__(self, client: docker.DockerClient, endpoint: Endpoint | None = None) -> None:
        self._client = client
        self._endpoint = endpoint
        self._silent_since_s = -SILENCE_S

    @property
    def client(self) -> docker.DockerClient:
        """The SDK's client, which raises its own errors."""
        return self._client

    @property
    def address(self) -> str:
        """Its address, empty if it is not known."""
        return self._endpoint.address if self._endpoint else ""

    def answers(self) -> bool:
        """Whether it still answers; True if its address is not known.

        It is tried twice, `ANSWER_TIMEOUT_S` each, but after an interrupt for `INTERRUPTED_S` only.
        If it did not answer, that holds for `SILENCE_S`: what is done at the end of a case does
        not wait for it again and again.
        """
        endpoint = self._endpoint
        if endpoint is None:
            return True
        if time.monotonic() - self._silent_since_s < SILENCE_S:
            return False
        asked = in_background(lambda: _answers(endpoint))
        while not wait([asked], LOOK_EVERY_S).done:
            if is_interrupted():
                wait([asked], INTERRUPTED_S)
                break
        if asked.done() and asked.result():
            return True
        self._silent_since_s = time.monotonic()
        return False

    def attend(self, call: Callable[[], object]) -> None:
        """Do ``call``, also within a held section; after an interrupt, while the engine answers.

        Raises:
            BackendError: it was given up.
        """
        future = in_background(call)
        if not outlast(future, lambda: not self.answers()):
            raise BackendError(f"the Docker engine at {self.address} does not answer")
        future.result()

    def describe(self) -> dict[str, object]:
        """Return the versions that explain a difference between two machines."""
        info, version = self._client.info(), self._client.version()
        return {
            "engine": version["Version"],
            "cgroup": info.get("CgroupVersion", "1"),
            "storage": info["Driver"],
            "host": info["OperatingSystem"],
            "cpus": info["NCPU"],
            "compose": compose_version(),
        }

    @property
    def cpus(self) -> int:
        """The number of CPUs that containers may use if they have no limit."""
        return int(self._client.info()["NCPU"])

    def image_ids(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the content digest of each image of ``tags``, under the same name."""
        return {name: str(self._client.images.get(tag).id) for name, tag in tags.items()}

    def packed_image(self, image_id: str) -> Iterator[bytes]:
        """Yield an image with one of its tags as an archive for another engine, in parts."""
        with self.patience():
            image = self._client.images.get(image_id)
            yield from image.save(named=image.tags[0] if image.tags else False)

    def load_image(self, packed: Iterator[bytes]) -> None:
        """Add an image that another engine has packed."""
        with self.patience():
            self._client.images.load(packed)  # type: ignore[arg-type]  # it may be in parts, too

    @contextlib.contextmanager
    def patience(self) -> Iterator[None]:
        """Let calls transfer an image meanwhile."""
        usual_s, self._client.api.timeout = self._client.api.timeout, TRANSFER_TIMEOUT_S
        try:
            yield
        finally:
            self._client.api.timeout = usual_s

    def environment_of(self, _container: Container) -> Mapping[str, str]:
        """Return variables that the docker command needs to reach a container; here none."""
        return {}

    def is_run_as_root(self, image_id: str) -> bool:
        """Whether an image asks for no other user than root."""
        user = self._client.images.get(image_id).attrs["Config"].get("User") or "root"
        return str(user).partition(":")[0] in ROOT_USERS

    def find_image(self, tag: str) -> str | None:
        """Return the content digest of an image, None if the engine does not have it.

        No engine has an image of a name that is not allowed.
        """
        try:
            return self.image_ids({"": tag})[""]
        except docker.errors.ImageNotFound:
            return None
        except docker.errors.APIError as exc:
            if exc.status_code != requests.codes.bad_request:
                raise
            return None

    def images(self) -> list[Image]:
        """Return every image that Compose has built on this engine."""
        return list(self._client.images.list(filters={"label": PROJECT_LABEL}))

    def remove_image(self, name: str) -> bool:
        """Remove an image, or one of its tags; return False if a container uses it."""
        try:
            self._client.images.remove(name)
        except docker.errors.NotFound:  # it has gone meanwhile
            return True
        except docker.errors.APIError as exc:
            if exc.status_code != requests.codes.conflict:
                raise
            return False
        return True

    def containers(self, project: str, service: str | None = None) -> list[Container]:
        """Return the project's containers, including ended ones, sorted by service and number."""
        labels = [f"{PROJECT_LABEL}={project}"]
        if service is not None:
            labels.append(f"{SERVICE_LABEL}={service}")
        found = self._client.containers.list(
            all=True, filters={"label": labels}, ignore_removed=True
        )
        return sorted(found, key=by_service_and_number)

    def ended_containers(self, project: str, service: str) -> list[Container]:
        """Return the containers of a service that have ended; one request if there are none."""
        labels = [f"{PROJECT_LABEL}={project}", f"{SERVICE_LABEL}={service}"]
        filters: dict[str, str | list[str] | bool] = {"label": labels, "status": ["exited", "dead"]}
        return list(self._client.containers.list(all=True, filters=filters, ignore_removed=True))

    @retry(
        retry=retry_if_exception_type(ENGINE_ERRORS),
        stop=stop_after_delay(REMOVE_DEADLINE_S),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    def remove(self, project: str) -> bool:
        """Remove every container and network of ``project``; some may have gone already.

        Return whether all of it has gone, which is so unless a host of several does not answer.

        Raises:
            BackendError: the engine does not answer any more, so it is useless to try again.
        """
        try:
            self._remove(project)
        except requests.exceptions.RequestException as exc:
            if self.answers():
                raise
            raise BackendError(f"the Docker engine at {self.address} stopped answering") from exc
        return self.all_answer()

    def all_answer(self) -> bool:
        """Whether no host of several has stopped answering; True for one engine."""
        return True

    def _remove(self, project: str) -> None:
        in_parallel(_remove_container, self.containers(project))
        for network in self._client.networks.list(filters={"label": f"{PROJECT_LABEL}={project}"}):
            with contextlib.suppress(docker.errors.NotFound):
                network.remove()

    def networks_of(self, container: Container) -> list[Network]:
        """Return the networks that ``container`` is on."""
        names = container.attrs["NetworkSettings"]["Networks"].values()
        return [self._client.networks.get(each["NetworkID"]) for each in names]

    def projects(self) -> dict[str, list[Part]]:
        """Return each Compose project's containers and networks: their labels and their kind.

        What Swarm has deployed is left out, since one engine alone cannot remove it.
        """
        containers = self._client.containers.list(
            all=True, filters={"label": PROJECT_LABEL}, sparse=True
        )
        networks = self._client.networks.list(filters={"label": PROJECT_LABEL})
        parts = [(each.attrs["Labels"], "container") for each in containers]
        parts += [(each.attrs["Labels"], "network") for each in networks]
        return by_project(part for part in parts if STACK_LABEL not in part[0])


def by_project(parts: Iterable[Part]) -> dict[str, list[Part]]:
    """Return ``parts`` by the project that each belongs to."""
    found: dict[str, list[Part]] = {}
    for labels, kind in parts:
        found.setdefault(labels[PROJECT_LABEL], []).append((labels, kind))
    return found


def by_service_and_number(container: Container) -> tuple[str, int]:
    """Return the key by which the containers of a project are sorted."""
    return container.labels[SERVICE_LABEL], int(container.labels.get(NUMBER_LABEL, "0"))


def _answers(endpoint: Endpoint) -> bool:
    for _ in range(ANSWER_TRIES):
        with contextlib.suppress(*ENGINE_ERRORS):
            DirectClient(endpoint, ANSWER_TIMEOUT_S).close()
            return True
    return False


def _remove_container(container: Container) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        try:
            container.remove(force=True, v=True)
        except docker.errors.APIError as exc:
            if exc.status_code != requests.codes.conflict:  # it is being removed already
                raise


def find_engine() -> tuple[Engine | None, str]:
    """Return the engine that answers on this machine, or None; and the reason.

    Raises:
        BackendError: the environment or a docker context names an engine that does not answer.
    """
    if shutil.which("docker") is None:
        return _without_engine(Endpoint("", named_by_environment()), "there is no docker command")
    endpoint = find_endpoint()
    if endpoint.address.startswith(REMOTE_SCHEME):
        reason = f"{endpoint.address} is on another machine; its ports cannot be reached from here"
        return _without_engine(endpoint, reason)
    try:
        client = DirectClient(endpoint, FIND_TIMEOUT_S)
        _ping(client)
        engine = client.version()["Version"]
    except ENGINE_ERRORS as exc:
        reason = f"no Docker engine answers at {endpoint.address} ({_hinted(reason_of(exc))})"
        return _without_engine(endpoint, reason)
    try:
        version = compose_version()
    except ComposeError as exc:
        return _without_engine(endpoint, f"{NO_COMPOSE} ({str(exc).splitlines()[-1].strip()})")
    client.api.timeout = SDK_TIMEOUT_S
    return Engine(client, endpoint), f"Docker engine {engine} and Compose {version} answer"


def _hinted(reason: str) -> str:
    """Add to a refusal the usual cause, for those who do not read on."""
    refused = os.strerror(errno.EACCES).lower()
    return f"{reason}: is your user in the group docker?" if reason == refused else reason


def _without_engine(endpoint: Endpoint, reason: str) -> tuple[None, str]:
    """Return that there is no engine.

    Raises:
        BackendError: the endpoint was chosen, so nothing else may take its place.
    """
    if endpoint.choice:
        raise BackendError(
            f"{reason}, though {endpoint.choice} chooses it; {remedy(reason, endpoint.choice)}, "
            "or run without containers: --backend process"
        )
    return None, reason


def remedy(reason: str, choice: str = "") -> str:
    """Return what to do if there is no engine, for a ``reason`` of `find_engine`.

    ``choice`` is what names the engine, empty if it is the default one.
    """
    if os.strerror(errno.EACCES).lower() in reason:
        return "add your user to the group docker (as root: usermod -aG docker USER), log in again"
    if NO_COMPOSE in reason:
        return "install it (as root: make engine)"
    if REMOTE_SCHEME in reason:
        return "run the orchestrator on that machine"
    return f"start it or correct {choice}" if choice else START


@retry(
    retry=retry_if_exception_type(ENGINE_ERRORS),
    stop=stop_after_attempt(3),
    wait=wait_fixed(0.2),
    reraise=True,
)
def _ping(client: docker.DockerClient) -> None:
    client.ping()


def reason_of(error: BaseException) -> str:
    """Return the underlying cause, without the layers that wrap it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, requests.exceptions.Timeout):
            return NO_ANSWER
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return str(error).partition("\n")[0][:160] or type(error).__name__
