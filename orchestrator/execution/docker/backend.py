"""The Docker backend: each case in containers of a Compose project of its own.

Server, conductor and replicas start in one ``compose up``; the replicas wait at the conductor, so
the time that Compose takes to start them is not measured. Containers stop in order, and every log
is saved.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.models.containers import Container

from labkit.wire.secret import SECRET
from orchestrator.execution.backend import (
    BackendError,
    ClientEnd,
    Needs,
    Server,
    StageEnd,
    StageOrder,
    check_cpus,
)
from orchestrator.execution.background import in_background
from orchestrator.execution.cpu_time import cpu_s_by_session, cpu_s_of
from orchestrator.execution.cpus import Cpus
from orchestrator.execution.docker.compose import Compose
from orchestrator.execution.docker.compose_override import (
    CONDUCTOR_PORT,
    is_isolated,
    leave_every_s,
    write_override,
)
from orchestrator.execution.docker.container import (
    GRACE_S,
    check_reachable,
    ended_container,
    ends_ns,
    exit_code,
    image_id,
    out_of_memory,
    own_address,
    published,
    wait_until_listening,
    wait_until_reachable,
)
from orchestrator.execution.docker.cpu_time import StageMeters
from orchestrator.execution.docker.engine import (
    ENGINE_ERRORS,
    NUMBER_LABEL,
    SERVICE_LABEL,
    Engine,
    engine_failures,
    in_parallel,
)
from orchestrator.execution.docker.images import image_name, provide_images
from orchestrator.execution.docker.read_back import check_containers, containers_of_clients
from orchestrator.execution.docker.server import DockerServer
from orchestrator.execution.host import HostTimes
from orchestrator.execution.interrupts import held, is_interrupted
from orchestrator.execution.machines import HostReading
from orchestrator.execution.probe import PROBE
from orchestrator.execution.program_log import TOO_EARLY
from orchestrator.execution.toxics import CONTROL_PORT, SERVICE
from orchestrator.execution.toxics import PORT as PROXY_PORT
from orchestrator.results.archive import SERVER_LOG, ArchiveError, write_whole


class DockerBackend:
    """Runs every program in a container of ``engine``."""

    name = "docker"

    def __init__(
        self, engine: Engine, campaign_id: str, *, keep: bool, builder: Engine | None = None
    ) -> None:
        self._engine = engine
        self.builder = builder or engine
        self._campaign_id = campaign_id
        self._keep = keep
        self._projects: list[str] = []
        self._left: list[str] = []
        self.images: dict[str, str] = {}

    def prepare(self, needs: Needs) -> None:
        """Build the lab's images if sources changed; find the target's image.

        Cases run by image id, since anybody on this engine may move a tag meanwhile. A model has an
        image for each interpreter.

        Raises:
            BackendError: the build failed, or the engine does not have the target's image, or not
                the CPUs of a limit.
        """
        target = needs.target
        if target is not None and target.image is None:
            raise BackendError(f"{target.name} is not an image; use --backend process")
        others = ["client", *([SERVICE] if needs.is_proxied else [])]
        with engine_failures():
            usable = range(self._engine.cpus)
            for limits in needs.limits:
                check_cpus(limits, usable)
            for interpreter in needs.interpreters:
                own = [] if interpreter else others
                found = provide_images(self.builder, [*needs.models, *own], interpreter)
                self.images |= {
                    image_name(name, interpreter): found_id for name, found_id in found.items()
                }
            if None not in needs.interpreters:
                self.images |= provide_images(self.builder, others)
            if target is not None and target.image is not None:
                self.images |= image_id(self.builder, target.name, target.image)

    def describe(self) -> Mapping[str, object]:
        """Return the engine's versions and the digest of every image in use."""
        with engine_failures():
            return {**self._engine.describe(), "images": dict(self.images)}

    @contextmanager
    def stage(self, order: StageOrder) -> Iterator["DockerStage"]:
        """Start a project and remove it on exit, unless it is to be kept."""
        project = self.new_project()
        name = image_name(order.model, order.interpreter)
        images = {**self.images, order.model: self.images[name]} if name in self.images else {}
        stage = self.new_stage(project, order, images or self.images)
        with engine_failures():
            try:
                stage.start()
                yield stage
            except BackendError as exc:
                if cause := stage.cause_of_failure():
                    raise BackendError(f"{cause}; so {exc}") from exc
                raise
            finally:
                with held():
                    self._end(stage, project)

    def new_project(self) -> str:
        """Return the name of a further project, which `close` removes unless it is forgotten."""
        project = f"lab-{self._campaign_id}-{len(self._projects) + 1}"
        self._projects.append(project)
        self._left.append(project)
        return project

    def forget(self, project: str) -> None:
        """Take ``project``, of which nothing is left, off the list."""
        self._left.remove(project)

    def new_stage(
        self, project: str, order: StageOrder, images: Mapping[str, str]
    ) -> "DockerStage":
        """Return the stage of a case, of which nothing runs yet."""
        return DockerStage(self._engine, project, order, images)

    def _end(self, stage: "DockerStage", project: str) -> None:
        """Remove or keep what the stage has started; an engine that has gone is not waited for."""
        stage.kill_probes()
        if not self._engine.answers():
            return
        stage.waits_for("saving logs")
        self._engine.attend(stage.save_logs)
        if self._keeps:
            self._engine.attend(stage.start_server)
        else:
            stage.waits_for("removing containers")
            self._engine.attend(lambda: self._remove(project))

    def _remove(self, project: str) -> None:
        """Remove ``project``; if the engine refuses, it is in `left`, and the run counts anyway."""
        with contextlib.suppress(docker.errors.APIError):
            if self._engine.remove(project):
                self.forget(project)

    @property
    def _keeps(self) -> bool:
        return self._keep and not is_interrupted()

    def close(self) -> None:
        """Remove all containers and networks of the campaign, unless they are to be kept.

        What cannot be removed is in `left`.
        """
        with held(), contextlib.suppress(BackendError, *ENGINE_ERRORS):
            if self.left and self._engine.answers():
                for project in self.left:
                    self._engine.attend(functools.partial(self._remove, project))

    @property
    def kept(self) -> tuple[str, ...]:
        """The Compose projects kept running for inspection."""
        return tuple(self._left) if self._keeps else ()

    @property
    def left(self) -> tuple[str, ...]:
        """The Compose projects that have not been removed, though they are not to be kept."""
        return () if self._keeps else tuple(self._left)


class DockerStage:
    """The containers of one case."""

    def __init__(
        self, engine: Engine, project: str, order: StageOrder, images: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self.project = project
        self.order = order
        self._images = images
        entry = (SERVICE, PROXY_PORT) if order.is_proxied else (order.model, order.port)
        self.target = "{}:{}".format(*entry)
        self.conductor = ("127.0.0.1", 0)
        self.secret = order.secret
        self._logs_are_saved = False
        self._probed: DockerServer | None = None
        self._proxy = [SERVICE] if order.is_proxied else []

    def start(self) -> None:
        """Start everything; return when the server listens and the conductor answers."""
        self.waits_for("starting containers")
        order, clients = self.order, self._start_containers()
        conductor = self._started("conductor")
        bystander = clients[0]
        if order.target is None:
            self._server = self._started(order.model)
        else:
            wait_until_reachable(self._server, bystander, order)
        control = [self.port_of(self._started(proxy), CONTROL_PORT) for proxy in self._proxy]
        server = self.new_server(self._server, clients, next(iter(control), None))
        self.server: Server = server
        self._probed = server
        self.conductor = self.port_of(conductor, CONDUCTOR_PORT)
        check_reachable(self.conductor, self._engine.address)
        server.probes.await_first_look()
        self.cpus = Cpus.all_of(self._engine.cpus)
        proxies = [self._started(proxy) for proxy in self._proxy]
        parts = {"server": [self._server], "clients": clients, "conductor": [conductor]}
        self._meters = StageMeters({**parts, "proxy": proxies})

    def new_server(
        self, server: Container, clients: Sequence[Container], control: tuple[str, int] | None
    ) -> DockerServer:
        """Return what faults can do to the container ``server``; ``control`` is the proxy's."""
        return DockerServer(self._engine, server, clients[0], self.order, control)

    def waits_for(self, what: str) -> None:
        """Report what the engine is asked for from now on."""
        self.order.on_wait(f"the Docker engine: {what}")

    def _start_containers(self) -> list[Container]:
        """Start all containers, compare them with what was asked, and return the clients'."""
        order = self.order
        drops_root = self._engine.is_run_as_root(self._images[order.model])
        override = write_override(order, self._images, drops_root=drops_root)
        services = [order.model, *self._proxy, "conductor", "client"]
        self.bring_up(services, override)
        (self._server,) = self._engine.containers(self.project, order.model)
        clients = self._engine.containers(self.project, "client")
        check_containers(order, self._images, self._server, clients)
        return clients

    def bring_up(self, services: Sequence[str], override: Path) -> None:
        """Start the containers of ``services`` with what the case changes in compose.yaml."""
        # In the environment of the command, not in the override, which is stored with the results.
        secret = {SECRET: self.order.secret}
        compose = Compose(self.project, override, environment=secret, is_alive=self._engine.answers)
        compose.up(*services, clients=containers_of_clients(self.order))

    def port_of(self, container: Container, port: int) -> tuple[str, int]:
        """Return where this machine reaches a container's port."""
        return published(container, port)

    def cpu_s(self) -> Mapping[str, float | None]:
        """Return the CPU time of each part; a probe within the server's container is part of it."""
        probes = self._probed.probes.pids if self._probed is not None else []
        return {**self._meters.cpu_s(), "probe": cpu_s_of(probes, cpu_s_by_session())}

    def read_host(self) -> HostReading:
        """Return the times of this machine, on which all containers run."""
        return HostReading(HostTimes.now(self.cpus, self.cpu_s()))

    @property
    def address(self) -> tuple[str, int]:
        """The address of the target's port as this host sees it.

        Raises:
            BackendError: this host does not reach it.
        """
        if is_isolated(self.order):
            return own_address(self._server, self.order.port)
        return published(self._server, self.order.port)

    def check_programs(self) -> None:
        """Check that conductor and clients still run.

        Raises:
            BackendError: one of them has ended; with its exit code and its last lines.
        """
        for service in ("conductor", "client"):
            for container in self._engine.ended_containers(self.project, service):
                name = _client_name(container) if service == "client" else f"the {service}"
                raise ended_container(container, name, TOO_EARLY)

    def _started(self, service: str) -> Container:
        """Return the service's container once its program listens."""
        container = self._engine.containers(self.project, service)[0]
        wait_until_listening(container, service)
        return container

    def end(self) -> StageEnd:
        """Stop the server, wait for the clients, and write every container's log."""
        self.waits_for("stopping containers")
        if self._probed is not None:
            self._probed.probes.end()
        containers = self._engine.containers(self.project, "client")[: self.order.replicas]
        server_ends_ns = ends_ns(self._server)
        grace_s = GRACE_S + leave_every_s(self.order.replicas) * self.order.replicas
        client_end = functools.partial(_client_end, grace_s=grace_s)
        clients = in_background(lambda: in_parallel(client_end, containers))
        self._server.stop(timeout=round(self.order.drain_timeout_s + GRACE_S))
        for proxy in self._engine.containers(self.project, SERVICE):
            proxy.stop(timeout=round(GRACE_S))
        self.waits_for("saving logs")
        self._save_logs()
        code, memory = exit_code(self._server), self.out_of_memory()
        return StageEnd(code, tuple(clients.result()), memory, server_ends_ns)

    def out_of_memory(self) -> tuple[str, ...]:
        """Return the containers in which the kernel killed a process for lack of memory."""
        containers = self._containers()
        found = in_parallel(lambda each: out_of_memory(each, _name(each)), containers)
        earlier = () if self._probed is None else self._probed.out_of_memory
        return tuple(dict.fromkeys([*earlier, *(each for each in found if each)]))

    def cause_of_failure(self) -> str:
        """Return what may have made the stage fail, empty if nothing is known.

        That is a lack of memory in a container.
        """
        if self._engine.answers():
            with contextlib.suppress(*ENGINE_ERRORS):
                return "; ".join(self.out_of_memory())
        return ""

    def _containers(self) -> list[Container]:
        """Return the containers of the programs; a probe's may go at any time, and has no log."""
        found = self._engine.containers(self.project)
        return [each for each in found if each.labels[SERVICE_LABEL] != PROBE]

    def kill_probes(self) -> None:
        """Kill every probe that still runs."""
        if self._probed is not None:
            self._probed.probes.kill()

    def _save_logs(self) -> None:
        in_parallel(self._save_log, self._containers())
        self._logs_are_saved = True

    def save_logs(self) -> None:
        """Save the logs that exist if the stage did not reach its end."""
        if not self._logs_are_saved:
            with contextlib.suppress(*ENGINE_ERRORS, ArchiveError):
                self._save_logs()

    def _save_log(self, container: Container) -> None:
        name = _name(container)
        is_server = name == self.order.model
        path = self.order.folder / (SERVER_LOG if is_server else f"{name}.log")
        write_whole(path, container.logs(stdout=True, stderr=False))
        if errors := container.logs(stdout=False, stderr=True):
            write_whole(path.with_suffix(".stderr"), errors)

    def start_server(self) -> None:
        """Start the drained server again, for inspection."""
        for server in self._engine.containers(self.project, self.order.model):
            server.start()


def _name(container: Container) -> str:
    """Return the service of a container; that of a client with its number."""
    service = container.labels[SERVICE_LABEL]
    return _client_name(container) if service == "client" else service


def _client_name(container: Container) -> str:
    """Return the client's name, the same as on the process backend; Compose counts from 1."""
    return f"client-{int(container.labels[NUMBER_LABEL]) - 1:03d}"


def _client_end(container: Container, grace_s: float) -> ClientEnd:
    return ClientEnd(
        program=_client_name(container),
        host=container.attrs["Config"]["Hostname"],
        pid=None,
        exit_code=exit_code(container, grace_s),
    )
