"""The server of a case in its container, for faults."""

from docker.models.containers import Container

from orchestrator.execution.backend import BackendError, StageOrder, Toxics
from orchestrator.execution.docker.container import (
    GRACE_S,
    kill_process,
    read_log,
    run_in_background,
    wait_until_listening,
    wait_until_reachable,
)
from orchestrator.execution.docker.engine import Engine, engine_failures
from orchestrator.execution.probe import KernelProbes
from orchestrator.execution.program_log import (
    IDLE_CONNECTIONS,
    LoggedServer,
    count_starts,
    idle_connections_pid,
)
from orchestrator.execution.toxics import ToxicControl

CPU_PERIOD_US = 100_000


class DockerServer(LoggedServer):
    """The server's container; a client's container opens the connections of `fill_backlog`.

    The conductor's cannot: it is on another network than the server.

    ``control`` is the control address of the fault proxy, None if there is no proxy.
    """

    def __init__(
        self,
        engine: Engine,
        server: Container,
        client: Container,
        order: StageOrder,
        control: tuple[str, int] | None,
    ) -> None:
        self._engine = engine
        self._server = server
        self._client = client
        self._order = order
        self._idle_connections_pid: int | None = None
        self.toxics: Toxics = ToxicControl(control)
        self.probes = KernelProbes(order.folder)
        self.probes.look_at_container(server, order.port)

    @property
    def log(self) -> str:
        """All that the server has written."""
        return read_log(self._server)

    def pause(self) -> None:
        """Freeze the container."""
        with engine_failures():
            self._server.pause()

    def resume(self) -> None:
        """Thaw it."""
        with engine_failures():
            self._server.unpause()

    def limit_cpus(self, cpus: float | None) -> None:
        """Change the container's quota; None restores the one it was created with."""
        limited = self._order.limits.cpus if cpus is None else cpus
        quota = -1 if limited is None else round(limited * CPU_PERIOD_US)
        with engine_failures():
            self._server.update(cpu_period=CPU_PERIOD_US, cpu_quota=quota)

    def kill_process(self, pid: int) -> bool:
        """Kill a process from within the container; return False if there is none."""
        with engine_failures():
            return kill_process(self._server, pid)

    def stop(self, *, is_killed: bool) -> None:
        """Send the server SIGTERM or SIGKILL."""
        with engine_failures():
            self._server.kill("SIGKILL" if is_killed else "SIGTERM")

    def restart(self) -> None:
        """Start the container again, which keeps its address, once the server has ended."""
        with engine_failures():
            self._server.wait(timeout=self._order.drain_timeout_s + GRACE_S)
            starts = count_starts(self.log)
            self._server.start()
            if self._order.target is None:
                wait_until_listening(self._server, self._order.model, starts)
            else:
                wait_until_reachable(self._server, self._client, self._order)
        self.probes.look_at_container(self._server, self._order.port)

    def disconnect(self) -> None:
        """Take the container off its network, as if its cable were unplugged."""
        with engine_failures():
            self._server.reload()
            (self._network,) = self._engine.networks_of(self._server)
            self._address = self._addresses()
            self._network.disconnect(self._server)

    def reconnect(self) -> None:
        """Put the container back; its address is the same, so TCP connections continue.

        Raises:
            BackendError: another container took the address meanwhile.
        """
        with engine_failures():
            self._network.connect(self._server, aliases=[self._order.model])
            self._server.reload()
        if self._addresses() != self._address:
            raise BackendError("the server's address changed when it was reconnected")

    def _addresses(self) -> list[str]:
        networks = self._server.attrs["NetworkSettings"]["Networks"]
        return [network["IPAddress"] for network in networks.values()]

    def fill_backlog(self, connections: int, lasts_s: float) -> None:
        """Open the connections from a client's container; return when they are established.

        Raises:
            BackendError: they are not.
        """
        target = f"{self._order.model}:{self._order.port}"
        command = ["python3", *IDLE_CONNECTIONS, target, str(connections), str(lasts_s)]
        with engine_failures():
            output = run_in_background(self._client, command)
        self._idle_connections_pid = idle_connections_pid(output)
        if self._idle_connections_pid is None:
            raise BackendError(f"the connections were not established: {output.strip()[-200:]}")

    def release_backlog(self) -> None:
        """End the program that holds the connections, if it has not ended by itself."""
        if self._idle_connections_pid is not None:
            with engine_failures():
                kill_process(self._client, self._idle_connections_pid)
