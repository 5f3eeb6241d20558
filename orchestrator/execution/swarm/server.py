"""The server of a case on several hosts, for faults: links that are cut, crowds told to begin."""

import time
from collections.abc import Mapping, Sequence

from docker.models.containers import Container

from orchestrator.execution.backend import BackendError, Crowd, StageOrder
from orchestrator.execution.docker.container import kill_process
from orchestrator.execution.docker.engine import Engine, engine_failures
from orchestrator.execution.docker.server import DockerServer
from orchestrator.execution.program_log import (
    IDLE_CONNECTIONS,
    ON_LINE,
    crowd_established_ns,
    crowd_pid,
)
from orchestrator.execution.swarm.line_program import LineProgram
from orchestrator.execution.swarm.links import START_DEADLINE_S, Link, Links
from orchestrator.execution.toxics import SERVICE, ToxicControl

FILL_DEADLINE_S = 20.0
SERVERS_OWN = ""
"""The key of the server's own link, which is no name of a host."""


class SwarmServer(DockerServer):
    """The server's container on one of several hosts.

    ``clients`` are the containers of clients by the names of their hosts.
    """

    def __init__(
        self,
        engine: Engine,
        server: Container,
        clients: Mapping[str, Sequence[Container]],
        order: StageOrder,
        control: tuple[str, int] | None,
    ) -> None:
        self._clients = clients
        self._links: dict[str, Links] = {}
        bystander = next(each for containers in clients.values() for each in containers)
        super().__init__(engine, server, bystander, order, control)
        self._control = control
        self._has_other_clock = self._is_crowd_elsewhere = False
        self._told: dict[str, LineProgram] = {}

    def use_answers(self, *, of_server: bool, of_crowds: bool) -> None:
        """Take the instant of an answer for the one that it reports, which is of another clock.

        It is a little later, and the fault was in effect by then. ``of_server``: of what happens on
        the server's host; ``of_crowds``: on that of the client which opens idle connections.
        """
        self._has_other_clock, self._is_crowd_elsewhere = of_server, of_crowds
        self.toxics = ToxicControl(self._control, self._order.secret, is_own_clock=not of_server)

    def kill_process(self, pid: int) -> int | None:
        """Kill a process from within the container; return when, None if there is none."""
        killed_ns = super().kill_process(pid)
        is_other = killed_ns is not None and self._has_other_clock
        return time.monotonic_ns() if is_other else killed_ns

    def prepare_disconnect(self) -> None:
        """Start a program beside the server's container that can cut its link."""
        self._prepare(SERVERS_OWN, [self._server], self._order.model)

    def disconnect(self) -> int:
        """Cut the link of the server's container; return the instant from which it was."""
        self.check_running()
        return self._links_of(SERVERS_OWN).cut()

    def reconnect(self) -> None:
        """Join it; its address is the same, so TCP connections continue."""
        self._links_of(SERVERS_OWN).join()

    def prepare_disconnect_host(self, host: str) -> None:
        """Start a program beside each client on ``host`` that can cut its link.

        Raises:
            BackendError: there is no client, or a program does not start.
        """
        if not self._clients.get(host):
            raise BackendError(f"no client of this run is on {host}")
        peer = SERVICE if self._order.is_proxied else self._order.model
        self._prepare(host, self._clients[host], peer)

    def disconnect_host(self, host: str) -> int:
        """Cut the links of all clients on ``host``; return the instant from which they were."""
        return self._links_of(host).cut()

    def reconnect_host(self, host: str) -> None:
        """Join them."""
        self._links_of(host).join()

    def _prepare(self, key: str, containers: Sequence[Container], peer: str) -> None:
        """Start the programs, unless they run since an earlier fault."""
        if key not in self._links:
            environment_of = self._engine.environment_of
            links = [Link(each, peer, environment_of(each)) for each in containers]
            self._links[key] = Links(links)
            self._links[key].wait_until_ready()

    def _links_of(self, key: str) -> Links:
        if key not in self._links:
            raise BackendError("no program stands ready to cut the link")
        return self._links[key]

    def prepare_crowd(self, name: str, crowd: Crowd) -> None:
        """Start, in a client's container, the program that opens the connections when told to.

        It is not told when, since its clock may be another one.
        """
        target = f"{self._order.model}:{self._order.port}"
        numbers = [str(crowd.connections), ON_LINE, str(crowd.lasts_s)]
        words = ["exec", "--interactive", str(self._client.id), "python3", *IDLE_CONNECTIONS]
        environment = self._engine.environment_of(self._client)
        self._told[name] = LineProgram([*words, target, *numbers], environment)
        self._told[name].read_until(lambda text: crowd_pid(text) is not None, START_DEADLINE_S)

    def fill_backlog(self, name: str) -> int:
        """Tell that program to begin; return the instant at which the connections were there.

        Raises:
            BackendError: they are not established.
        """
        program = self._told[name]
        program.send("begin")
        program.read_until(lambda text: crowd_established_ns(text) is not None, FILL_DEADLINE_S)
        established_ns = crowd_established_ns(program.printed)
        if established_ns is None or self._is_crowd_elsewhere:
            return time.monotonic_ns()
        return established_ns

    def release_backlog(self, name: str) -> None:
        """End the program that holds the connections, if it has not ended by itself."""
        program = self._told.pop(name, None)
        if program is None:
            return
        if (pid := crowd_pid(program.printed)) is not None:
            with engine_failures():
                kill_process(self._client, pid)
        program.close()

    def close_programs(self) -> None:
        """Join what is still cut, and end all programs at links and of crowds."""
        for links in self._links.values():
            links.close()
        for program in self._told.values():
            program.close()
        self._links.clear()
        self._told.clear()
