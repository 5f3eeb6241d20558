"""The server of a case in its container, for faults."""

import time
from collections.abc import Iterator
from pathlib import Path

import requests
from docker.models.containers import Container

from orchestrator.execution.backend import BackendError, Crowd, StageOrder, Toxics
from orchestrator.execution.docker.cable import find_cable, unplug
from orchestrator.execution.docker.container import (
    ENDED,
    GRACE_S,
    kill_process,
    killed_ns,
    out_of_memory,
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
    crowd_established_ns,
    crowd_pid,
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
        (self._network,) = engine.networks_of(server)  # now, since a fault has to be in time
        self._cable: Path | None = None
        self._crowds: dict[str, _CrowdProgram] = {}
        self.toxics: Toxics = ToxicControl(control, order.secret)
        self.out_of_memory: tuple[str, ...] = ()
        self.probes = KernelProbes(order.folder, engine.environment_of(server))
        self._start_probe()

    def _start_probe(self) -> None:
        """Start a probe; beside the container if its memory is limited, of which it takes 10 MB."""
        is_beside = self._order.limits.memory_bytes is not None
        image = self._client.attrs["Image"] if is_beside else None  # it has Python
        self.probes.look_at_container(self._server, self._order.port, image)

    @property
    def log(self) -> str:
        """All that the server has written."""
        return read_log(self._server)

    def is_lost(self) -> bool:
        """Whether nothing that is asked of it is done, since the engine does not answer."""
        return not self._engine.answers()

    def check_running(self) -> None:
        """Check that the server runs.

        Raises:
            BackendError: it has ended, or the engine does not answer.
        """
        with engine_failures():
            self._server.reload()
        if self._server.status in ENDED:
            code = self._server.attrs["State"]["ExitCode"]
            raise BackendError(f"the server has ended, exit code {code}")

    def pause(self) -> None:
        """Freeze the container."""
        self.check_running()
        with engine_failures():
            self._server.pause()

    def resume(self) -> None:
        """Thaw it."""
        self.check_running()
        with engine_failures():
            self._server.unpause()

    def limit_cpus(self, cpus: float | None) -> None:
        """Change the container's quota; None restores the one it was created with."""
        limited = self._order.limits.cpus if cpus is None else cpus
        quota = -1 if limited is None else round(limited * CPU_PERIOD_US)
        if cpus is not None:
            self.check_running()
        with engine_failures():
            self._server.update(cpu_period=CPU_PERIOD_US, cpu_quota=quota)

    def kill_process(self, pid: int) -> int | None:
        """Kill a process from within the container; return when, None if there is none."""
        with engine_failures():
            return kill_process(self._server, pid)

    def reload(self) -> int:
        """Send the server SIGHUP; return when that had been done."""
        self.check_running()
        with engine_failures():
            self._server.kill("SIGHUP")
        return time.monotonic_ns()

    def stop(self, *, is_killed: bool) -> int:
        """Send the server SIGTERM or SIGKILL; return when that had been done."""
        self.check_running()
        begun_ns = time.monotonic_ns()
        with engine_failures():
            self._server.kill("SIGKILL" if is_killed else "SIGTERM")
            return killed_ns(self._server, begun_ns) if is_killed else time.monotonic_ns()

    def restart(self) -> None:
        """Start the container again, which keeps its address, once the server has ended."""
        with engine_failures():
            self._wait_until_ended()
            killed = out_of_memory(self._server, self._order.model)  # the next start forgets it
            self.out_of_memory += (killed,) if killed else ()
            starts = count_starts(self.log)
            self._server.start()
            if self._order.target is None:
                wait_until_listening(self._server, self._order.model, starts)
            else:
                wait_until_reachable(self._server, self._client, self._order)
        self._start_probe()

    def _wait_until_ended(self) -> None:
        patience_s = self._order.drain_timeout_s + GRACE_S
        try:
            self._server.wait(timeout=patience_s)
        except requests.exceptions.RequestException as exc:  # the SDK raises this at the timeout
            raise BackendError(
                f"the server had not ended after {patience_s:g} s, so it was not started again"
            ) from exc

    def prepare_disconnect(self) -> None:
        """Find the container's cable, to see when it is dead."""
        with engine_failures():
            self._cable = find_cable(self._server)

    def disconnect(self) -> int:
        """Take the container off its network, as if its cable were unplugged."""
        self.check_running()
        with engine_failures():
            self._address = self._addresses()
            return unplug(self._cable, lambda: self._network.disconnect(self._server))

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

    def prepare_crowd(self, name: str, crowd: Crowd) -> None:
        """Start, in a client's container, the program that opens the connections when due."""
        command = ["python3", *IDLE_CONNECTIONS, f"{self._order.model}:{self._order.port}"]
        command += [str(crowd.connections), str(crowd.begin_ns), str(crowd.lasts_s)]
        with engine_failures():
            self._crowds[name] = _CrowdProgram(run_in_background(self._client, command))

    def fill_backlog(self, name: str) -> int:
        """Wait until the connections of that crowd are established.

        Raises:
            BackendError: they are not.
        """
        with engine_failures():
            return self._crowds[name].wait_until_established()

    def release_backlog(self, name: str) -> None:
        """End the program that holds the connections, if it has not ended by itself."""
        pid = self._crowds[name].pid if name in self._crowds else None
        if pid is not None:
            with engine_failures():
                kill_process(self._client, pid)


class _CrowdProgram:
    """A program of a client's container that holds connections, by what it prints."""

    def __init__(self, output: Iterator[str]) -> None:
        self._output = output
        self._printed = next(output, "")

    @property
    def pid(self) -> int | None:
        """Its process in the container, None if it did not start."""
        return crowd_pid(self._printed)

    def wait_until_established(self) -> int:
        """Return the instant at which the connections were established.

        Raises:
            BackendError: they are not.
        """
        while (established_ns := crowd_established_ns(self._printed)) is None:
            part = next(self._output, "")
            if not part:
                end = self._printed.strip()[-200:]
                raise BackendError(f"the connections were not established: {end}")
            self._printed += part
        return established_ns
