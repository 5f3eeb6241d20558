"""The server of a case in its container, to do something to it."""

from docker.models.containers import Container

from orchestrator.execution.backend import BackendError, StageOrder, Toxics, events
from orchestrator.execution.docker.container import (
    GRACE_S,
    kill_process,
    read_log,
    run_beside,
    wait_until_listening,
    wait_until_reachable,
)
from orchestrator.execution.docker.engine import Engine, engine_failures
from orchestrator.execution.probe import KernelProbes
from orchestrator.execution.program_log import CROWD, crowd_pid, worker_pid, worker_pids
from orchestrator.execution.toxics import ToxicControl

CPU_PERIOD_US = 100_000


class DockerServer:
    """The server's container, and the conductor's, from where a crowd comes.

    ``control`` is where the fault proxy takes orders, if there is one.
    """

    def __init__(
        self,
        engine: Engine,
        server: Container,
        conductor: Container,
        order: StageOrder,
        control: tuple[str, int] | None,
    ) -> None:
        self._engine = engine
        self._server = server
        self._conductor = conductor
        self._order = order
        self._crowd_pid: int | None = None
        self.toxics: Toxics = ToxicControl(control)
        self.probes = KernelProbes(order.folder)
        self.probes.look_at_container(server, order.port)

    def pause(self) -> None:
        """Freeze the container."""
        with engine_failures():
            self._server.pause()

    def resume(self) -> None:
        """Thaw it."""
        with engine_failures():
            self._server.unpause()

    def limit_cpus(self, cpus: float | None) -> None:
        """Change the container's quota; None is what it was made with."""
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

    def stop(self, *, is_killed: bool) -> None:
        """Send the server its signal."""
        with engine_failures():
            self._server.kill("SIGKILL" if is_killed else "SIGTERM")

    def restart(self) -> None:
        """Start the container again, which keeps its address, once the server has ended."""
        with engine_failures():
            self._server.wait(timeout=self._order.drain_timeout_s + GRACE_S)
            starts = len(list(events(read_log(self._server), "listening")))
            self._server.start()
            if self._order.target is None:
                wait_until_listening(self._server, self._order.model, starts)
            else:
                wait_until_reachable(self._server, self._conductor, self._order)
        self.probes.look_at_container(self._server, self._order.port)

    def disconnect(self) -> None:
        """Take the container off its network, as if its cable were pulled."""
        with engine_failures():
            self._server.reload()
            (self._network,) = self._engine.networks_of(self._server)
            self._address = self._addresses()
            self._network.disconnect(self._server)

    def reconnect(self) -> None:
        """Put the cable back; TCP goes on where it was, for the address is the same.

        Raises:
            BackendError: it is another, because somebody took it meanwhile.
        """
        with engine_failures():
            self._network.connect(self._server, aliases=[self._order.model])
            self._server.reload()
        if self._addresses() != self._address:
            raise BackendError("the server came back with another address than it had")

    def _addresses(self) -> list[str]:
        networks = self._server.attrs["NetworkSettings"]["Networks"]
        return [network["IPAddress"] for network in networks.values()]

    def crowd(self, connections: int, lasts_s: float) -> None:
        """Have the conductor's container open connections; return when they stand."""
        target = f"{self._order.model}:{self._order.port}"
        command = ["python3", *CROWD, target, str(connections), str(lasts_s)]
        with engine_failures():
            output = run_beside(self._conductor, command)
        self._crowd_pid = crowd_pid(output)
        if self._crowd_pid is None:
            raise BackendError(f"no crowd of connections came about: {output.strip()[-200:]}")

    def disperse(self) -> None:
        """End the program that holds them, if it has not ended by itself."""
        if self._crowd_pid is not None:
            with engine_failures():
                kill_process(self._conductor, self._crowd_pid)
