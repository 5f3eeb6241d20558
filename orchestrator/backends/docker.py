"""The Docker backend: each case in containers of a Compose project of its own.

Server, conductor and replicas start in one ``compose up``; the replicas wait at the conductor, so
what Compose takes to start them all is no part of what is measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import docker
import yaml
from docker.models.containers import Container
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.archive import SERVER_LOG
from orchestrator.backends.base import (
    BackendError,
    StageEnd,
    StageOrder,
    last_lines,
    listening_event,
)
from orchestrator.compose import Compose
from orchestrator.engine import ENGINE_ERRORS, Engine
from orchestrator.interrupts import held, is_interrupted

BUILD_DEADLINE_S = 900.0
UP_DEADLINE_S = 120.0
UP_PER_REPLICA_S = 2.0
START_DEADLINE_S = 30.0
POLL_S = 0.02
GRACE_S = 5.0
IMAGE = "server-models-lab/{}"
PORT = 3000
CONDUCTOR_PORT = 3100
READERS = 8


class DockerBackend:
    """Runs every program in a container on the engine that answered."""

    name = "docker"

    def __init__(self, engine: Engine, campaign_id: str, *, keep: bool) -> None:
        self._engine = engine
        self._campaign_id = campaign_id
        self._keep = keep
        self._projects: list[str] = []
        self._models: tuple[str, ...] = ()

    def prepare(self, models: Sequence[str]) -> None:
        """Build the images of ``models`` and of the client, where sources changed.

        Raises:
            BackendError: the build failed.
        """
        self._models = tuple(models)
        try:
            Compose(f"lab-{self._campaign_id}").run(
                "build", *models, "client", timeout_s=BUILD_DEADLINE_S
            )
        except BackendError as exc:
            raise BackendError(
                f"the images could not be built; without a registry, run: make base-image\n{exc}"
            ) from exc

    def describe(self) -> Mapping[str, object]:
        """Return the engine's versions and the digest of every image in use."""
        tags = [IMAGE.format(name) for name in (*self._models, "client")]
        return {**self._engine.describe(), "images": self._engine.image_ids(tags)}

    @contextmanager
    def stage(self, order: StageOrder) -> Iterator["DockerStage"]:
        """Bring a project up and, unless it is to be kept, remove it on exit."""
        project = f"lab-{self._campaign_id}-{len(self._projects) + 1}"
        self._projects.append(project)
        stage = DockerStage(self._engine, project, order)
        try:
            stage.start()
            yield stage
        except ENGINE_ERRORS as exc:
            raise BackendError(f"the Docker engine failed: {exc}") from exc
        finally:
            with held():
                if self._keeps:
                    stage.revive()
                else:
                    self._engine.remove(project)

    @property
    def _keeps(self) -> bool:
        return self._keep and not is_interrupted()

    def close(self) -> None:
        """Remove every container and network of the campaign, unless they are to be kept."""
        with held():
            for project in () if self._keeps else self._projects:
                self._engine.remove(project)

    @property
    def kept(self) -> tuple[str, ...]:
        """The Compose projects left up for a look."""
        return tuple(self._projects) if self._keeps else ()


class DockerStage:
    """The containers of one case."""

    def __init__(self, engine: Engine, project: str, order: StageOrder) -> None:
        self._engine = engine
        self._project = project
        self._order = order
        self.target = f"{order.model}:{PORT}"
        self.conductor = ("127.0.0.1", 0)

    def start(self) -> None:
        """Start everything; return when the server listens and the conductor answers."""
        order = self._order
        override = write_override(order)
        Compose(self._project, override).run(
            "up", "--detach", "--no-build", "--no-deps",
            "--scale", f"client={order.replicas}", order.model, "conductor", "client",
            timeout_s=UP_DEADLINE_S + UP_PER_REPLICA_S * order.replicas,
        )  # fmt: skip
        self._server = self._started(order.model)
        conductor = self._started("conductor")
        conductor.reload()
        published = (conductor.ports[f"{CONDUCTOR_PORT}/tcp"] or [])[0]
        self.conductor = (published["HostIp"], int(published["HostPort"]))

    def _started(self, service: str) -> Container:
        """Return the service's container once its program listens."""
        container = self._engine.containers(self._project, service)[0]
        waiting = Retrying(
            retry=retry_if_result(lambda listens: not listens),
            stop=stop_after_delay(START_DEADLINE_S),
            wait=wait_fixed(POLL_S),
            retry_error_callback=lambda _state: False,
        )
        if not waiting(_listens, container, service):
            raise BackendError(
                f"the {service} did not listen within {START_DEADLINE_S:g} s; its last lines:\n"
                f"{last_lines(read_log(container))}"
            )
        return container

    def end(self) -> StageEnd:
        """Stop the server, wait for the clients, and write every container's log."""
        clients = self._engine.containers(self._project, "client")
        with ThreadPoolExecutor(READERS) as pool:
            client_exit_codes = tuple(pool.map(_ended, clients))
            self._server.stop(timeout=round(self._order.drain_timeout_s + GRACE_S))
            list(pool.map(self._save_log, self._engine.containers(self._project)))
        return StageEnd(_ended(self._server), client_exit_codes)

    def _save_log(self, container: Container) -> None:
        service = container.labels["com.docker.compose.service"]
        number = int(container.labels["com.docker.compose.container-number"]) - 1
        name = f"client-{number:03d}.log" if service == "client" else f"{service}.log"
        path = self._order.folder / (SERVER_LOG if service == self._order.model else name)
        path.write_bytes(container.logs(stdout=True, stderr=False))
        if errors := container.logs(stdout=False, stderr=True):
            path.with_suffix(".stderr").write_bytes(errors)

    def revive(self) -> None:
        """Start the drained server again, for a look."""
        for server in self._engine.containers(self._project, self._order.model):
            server.start()


def _listens(container: Container, service: str) -> bool:
    container.reload()
    log = read_log(container)
    if listening_event(log) is not None:
        return True
    if container.status in {"exited", "dead"}:
        code = container.attrs["State"]["ExitCode"]
        raise BackendError(
            f"the {service} died at start, exit code {code}; its last lines:\n{last_lines(log)}"
        )
    return False


def _ended(container: Container) -> int:
    """Return the exit code of a container that is about to end; one that stays is killed."""
    try:
        return int(container.wait(timeout=GRACE_S)["StatusCode"])
    except ENGINE_ERRORS:
        container.kill()
        return int(container.wait(timeout=GRACE_S)["StatusCode"])


def read_log(container: Container) -> str:
    """Return all that the container wrote so far."""
    try:
        return container.logs().decode("utf-8", errors="replace")
    except docker.errors.NotFound:
        return ""


class _Reset:
    """Compose's ``!reset``: drop what the base file says."""


def _represent_reset(dumper: yaml.SafeDumper, _value: _Reset) -> yaml.Node:
    return dumper.represent_sequence("!reset", [])


class _OverrideDumper(yaml.SafeDumper):
    """Writes `_Reset` as Compose reads it."""


_OverrideDumper.add_representer(_Reset, _represent_reset)


def write_override(order: StageOrder) -> Path:
    """Write what this case changes in compose.yaml, beside its logs, and return the file.

    No published server port, which could be taken; no health check, which costs 17 ms of CPU each
    time; the server's whole environment, so that nothing of the caller's shell reaches it.
    """
    override = {
        "services": {
            order.model: {
                "ports": _Reset(),
                "healthcheck": {"disable": True},
                "environment": dict(order.environment),
            },
            "client": {"environment": {"LAB_CONDUCTOR": f"conductor:{CONDUCTOR_PORT}"}},
        }
    }
    path = order.folder / "compose.override.yaml"
    path.write_text(yaml.dump(override, Dumper=_OverrideDumper), encoding="utf-8")
    return path
