"""One case in containers: started together, stopped in order, every log saved."""

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from docker.models.containers import Container
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.archive import SERVER_LOG
from orchestrator.backends.base import (
    BackendError,
    ClientEnd,
    StageEnd,
    StageOrder,
    last_lines,
    listening_event,
    worker_pid,
    worker_pids,
)
from orchestrator.backends.container import GRACE_S, ended, kill_process, read_log
from orchestrator.backends.override import CONDUCTOR_PORT, write_override
from orchestrator.backends.probe import KernelProbe, probe_container
from orchestrator.compose import Compose
from orchestrator.engine import (
    ENGINE_ERRORS,
    NUMBER_LABEL,
    SERVICE_LABEL,
    Engine,
    engine_failures,
)

UP_DEADLINE_S = 120.0
UP_PER_REPLICA_S = 2.0
START_DEADLINE_S = 30.0
POLL_S = 0.02
PORT = 3000
READERS = 8
CPU_PERIOD_US = 100_000


class DockerStage:
    """The containers of one case."""

    def __init__(
        self, engine: Engine, project: str, order: StageOrder, images: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self._project = project
        self._order = order
        self._images = images
        self.target = f"{order.model}:{PORT}"
        self.conductor = ("127.0.0.1", 0)
        self._logs_are_saved = False
        self._probe: KernelProbe | None = None

    def start(self) -> None:
        """Start everything; return when the server listens and the conductor answers."""
        order = self._order
        override = write_override(order, self._images)
        Compose(self._project, override).run(
            "up", "--detach", "--no-build", "--no-deps",
            "--scale", f"client={order.replicas}", order.model, "conductor", "client",
            timeout_s=UP_DEADLINE_S + UP_PER_REPLICA_S * order.replicas,
        )  # fmt: skip
        self._server = self._started(order.model)
        self._probe = probe_container(self._server, order.folder)
        conductor = self._started("conductor")
        conductor.reload()
        published = (conductor.ports[f"{CONDUCTOR_PORT}/tcp"] or [])[0]
        self.conductor = (published["HostIp"], int(published["HostPort"]))
        self._probe.await_first_look()

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

    def pause(self) -> None:
        """Freeze the server's container."""
        with engine_failures():
            self._server.pause()

    def resume(self) -> None:
        """Thaw it."""
        with engine_failures():
            self._server.unpause()

    def limit_cpus(self, cpus: float | None) -> None:
        """Change the quota of the server's container; None is what it was made with."""
        limited = self._order.limits.cpus if cpus is None else cpus
        quota = -1 if limited is None else round(limited * CPU_PERIOD_US)
        with engine_failures():
            self._server.update(cpu_period=CPU_PERIOD_US, cpu_quota=quota)

    def workers(self) -> list[int]:
        """Return the workers that the server's log tells of."""
        return sorted(worker_pids(read_log(self._server)))

    def kill_worker(self, index: int) -> None:
        """Kill one worker process, from within the container.

        Raises:
            BackendError: there is none of that index, or it is a thread.
        """
        pid = worker_pid(read_log(self._server), index)
        with engine_failures():
            is_done = kill_process(self._server, pid)
        if not is_done:
            raise BackendError(f"worker {index} is no process that could be killed alone")

    def stop_server(self, *, is_killed: bool) -> None:
        """Tell the server to stop, or kill it."""
        with engine_failures():
            self._server.kill("SIGKILL" if is_killed else "SIGTERM")

    def end(self) -> StageEnd:
        """Stop the server, wait for the clients, and write every container's log."""
        if self._probe is not None:
            self._probe.end()
        containers = self._engine.containers(self._project, "client")
        with ThreadPoolExecutor(READERS) as pool:
            clients = tuple(pool.map(_client_end, containers))
            self._server.stop(timeout=round(self._order.drain_timeout_s + GRACE_S))
        self._save_logs()
        return StageEnd(ended(self._server), clients)

    def drop_probe(self) -> None:
        """End the probe, if one is still there."""
        if self._probe is not None:
            self._probe.kill()

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
