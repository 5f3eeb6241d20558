"""One case in containers: started together, stopped in order, every log saved."""

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from docker.models.containers import Container

from orchestrator.archive import SERVER_LOG
from orchestrator.backends.base import ClientEnd, StageEnd, StageOrder
from orchestrator.backends.container import GRACE_S, ended, wait_until_listening
from orchestrator.backends.docker_server import DockerServer
from orchestrator.backends.docker_target import wait_until_reachable
from orchestrator.backends.override import CONDUCTOR_PORT, write_override
from orchestrator.backends.probe import KernelProbes
from orchestrator.backends.served import Server
from orchestrator.backends.toxics import CONTROL_PORT, SERVICE
from orchestrator.backends.toxics import PORT as PROXY_PORT
from orchestrator.compose import Compose
from orchestrator.engine import (
    ENGINE_ERRORS,
    NUMBER_LABEL,
    SERVICE_LABEL,
    Engine,
)

UP_DEADLINE_S = 120.0
UP_PER_REPLICA_S = 2.0
READERS = 8


class DockerStage:
    """The containers of one case."""

    def __init__(
        self, engine: Engine, project: str, order: StageOrder, images: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self._project = project
        self._order = order
        self._images = images
        entry = (SERVICE, PROXY_PORT) if order.is_proxied else (order.model, order.port)
        self.target = "{}:{}".format(*entry)
        self.conductor = ("127.0.0.1", 0)
        self._logs_are_saved = False
        self._probes: KernelProbes | None = None
        self._proxy = [SERVICE] if order.is_proxied else []

    def start(self) -> None:
        """Start everything; return when the server listens and the conductor answers."""
        order = self._order
        override = write_override(order, self._images)
        Compose(self._project, override).run(
            "up", "--detach", "--no-build", "--no-deps",
            "--scale", f"client={order.replicas}", order.model, *self._proxy, "conductor", "client",
            timeout_s=UP_DEADLINE_S + UP_PER_REPLICA_S * order.replicas,
        )  # fmt: skip
        conductor = self._started("conductor")
        if order.target is None:
            self._server = self._started(order.model)
        else:
            (self._server,) = self._engine.containers(self._project, order.model)
            wait_until_reachable(self._server, conductor, order)
        control = [_published(self._started(proxy), CONTROL_PORT) for proxy in self._proxy]
        server = DockerServer(
            self._engine, self._server, conductor, order, next(iter(control), None)
        )
        self._probes = server.probes
        self.server: Server = server
        self.conductor = _published(conductor, CONDUCTOR_PORT)
        self._probes.await_first_look()

    @property
    def address(self) -> tuple[str, int]:
        """Where a target's port is on the host."""
        return _published(self._server, self._order.port)

    def _started(self, service: str) -> Container:
        """Return the service's container once its program listens."""
        container = self._engine.containers(self._project, service)[0]
        wait_until_listening(container, service)
        return container

    def end(self) -> StageEnd:
        """Stop the server, wait for the clients, and write every container's log."""
        if self._probes is not None:
            self._probes.end()
        containers = self._engine.containers(self._project, "client")
        with ThreadPoolExecutor(READERS) as pool:
            clients = tuple(pool.map(_client_end, containers))
            self._server.stop(timeout=round(self._order.drain_timeout_s + GRACE_S))
        for proxy in self._engine.containers(self._project, SERVICE):
            proxy.stop(timeout=round(GRACE_S))
        self._save_logs()
        return StageEnd(ended(self._server), clients)

    def drop_probes(self) -> None:
        """End every probe that is still there."""
        if self._probes is not None:
            self._probes.kill()

    def _save_logs(self) -> None:
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(self._save_log, self._engine.containers(self._project)))
        self._logs_are_saved = True

    def rescue_logs(self) -> None:
        """Save what logs there are of a stage that did not come to its end."""
        if not self._logs_are_saved:
            with contextlib.suppress(*ENGINE_ERRORS, OSError):
                self._save_logs()

    def _save_log(self, container: Container) -> None:
        service = container.labels[SERVICE_LABEL]
        name = _client_name(container) if service == "client" else service
        is_server = service == self._order.model
        path = self._order.folder / (SERVER_LOG if is_server else f"{name}.log")
        path.write_bytes(container.logs(stdout=True, stderr=False))
        if errors := container.logs(stdout=False, stderr=True):
            path.with_suffix(".stderr").write_bytes(errors)

    def revive(self) -> None:
        """Start the drained server again, for a look."""
        for server in self._engine.containers(self._project, self._order.model):
            server.start()


def _published(container: Container, port: int) -> tuple[str, int]:
    """Return where a container's port is on the host."""
    container.reload()
    published = (container.ports[f"{port}/tcp"] or [])[0]
    return published["HostIp"], int(published["HostPort"])


def _client_name(container: Container) -> str:
    """Return the name that the process backend has for a client too; Compose counts from 1."""
    return f"client-{int(container.labels[NUMBER_LABEL]) - 1:03d}"


def _client_end(container: Container) -> ClientEnd:
    return ClientEnd(
        program=_client_name(container),
        host=container.attrs["Config"]["Hostname"],
        pid=None,
        exit_code=ended(container),
    )
