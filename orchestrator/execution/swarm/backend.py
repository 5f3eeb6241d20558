"""The swarm backend: each case as a stack on the hosts of the hosts file.

The same containers as on one engine, in other places: images are built by this machine's engine
and copied, containers are deployed by Swarm, and everything else goes through each host's own
engine, as on one.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from docker.models.containers import Container

from labkit.clock import Clock, own_clock
from labkit.wire.secret import SECRET
from orchestrator.execution.backend import Needs, StageEnd, StageOrder
from orchestrator.execution.docker.backend import DockerBackend, DockerStage
from orchestrator.execution.docker.compose import Compose
from orchestrator.execution.docker.engine import (
    PROJECT_LABEL,
    SERVICE_LABEL,
    STACK_LABEL,
    Engine,
    engine_failures,
)
from orchestrator.execution.docker.read_back import containers_of_clients
from orchestrator.execution.docker.server import DockerServer
from orchestrator.execution.host import HostTimes
from orchestrator.execution.machines import HostReading
from orchestrator.execution.owner import LABEL, MARK
from orchestrator.execution.probe import PROBE
from orchestrator.execution.swarm.clocks import (
    clocks_of,
    is_this_machine,
    other_clocks,
)
from orchestrator.execution.swarm.encryption import check_encryption
from orchestrator.execution.swarm.fleet import Fleet
from orchestrator.execution.swarm.images import copy_images
from orchestrator.execution.swarm.late_limits import late_limits, set_limits
from orchestrator.execution.swarm.meters import HostMeter, Meters
from orchestrator.execution.swarm.placement import places_of
from orchestrator.execution.swarm.registry import registry_of
from orchestrator.execution.swarm.relay import Relay
from orchestrator.execution.swarm.server import SwarmServer
from orchestrator.execution.swarm.stack import CLIENT, stack_of
from orchestrator.execution.toxics import SERVICE
from orchestrator.results.archive import write_whole
from orchestrator.results.strict_json import to_json
from orchestrator.scenario.hosts import Hosts

CONDUCTOR = "conductor"
CLOCK = "clock"
"""The service of the containers whose clocks are read; it has none in compose.yaml."""

STACK_FILE = "stack.json"
PARTS = {CLIENT: "clients", CONDUCTOR: CONDUCTOR, SERVICE: "proxy", PROBE: PROBE}
"""The part of the lab that a service is; the server has the name of its model."""

METERED = ("server", *PARTS.values())


class SwarmBackend(DockerBackend):
    """Runs the containers of a case on the hosts of ``fleet``; ``builder`` builds the images.

    ``clocks`` are those that containers have on each host, by its name, known once it is prepared.
    """

    name = "swarm"

    def __init__(
        self,
        fleet: Fleet,
        builder: Engine,
        hosts: Hosts,
        campaign_id: str,
        *,
        keep: bool = False,
    ) -> None:
        super().__init__(fleet, campaign_id, keep=keep, builder=builder)
        self._fleet = fleet
        self._hosts = hosts
        self.clocks: dict[str, Clock | None] = {}

    def prepare(self, needs: Needs) -> None:
        """Build the images, copy them to all hosts, and read the hosts' clocks.

        Raises:
            BackendError: the build or a copy failed.
        """
        super().prepare(needs)
        with engine_failures():
            engines, registry = self._fleet.engines, registry_of(self._hosts)
            copy_images(self.images.values(), self.builder, engines, registry)
            self._find_clocks()

    def _find_clocks(self) -> None:
        """Read the clocks in containers, which `close` removes if this is interrupted."""
        project = self.new_project()
        labels = {PROJECT_LABEL: project, STACK_LABEL: project, SERVICE_LABEL: CLOCK}
        owned = {LABEL: os.environ.get(MARK, "")}
        hosts, image = self._fleet.hosts, self.images[CLIENT]
        self.clocks = clocks_of(hosts, image, {**labels, **owned})
        self.forget(project)

    def new_stage(self, project: str, order: StageOrder, images: Mapping[str, str]) -> "SwarmStage":
        """Return the stage of a case."""
        stage = SwarmStage(self._fleet, project, order, images, self._hosts)
        stage.clocks = self.clocks
        return stage


class SwarmStage(DockerStage):
    """The containers of one case, on several hosts.

    ``clocks`` are those that containers have on each host, by its name.
    """

    clocks: Mapping[str, Clock | None] = MappingProxyType({})

    def __init__(
        self,
        fleet: Fleet,
        project: str,
        order: StageOrder,
        images: Mapping[str, str],
        hosts: Hosts,
    ) -> None:
        super().__init__(fleet, project, order, images)
        self._fleet = fleet
        self._hosts = hosts
        self._relays: list[Relay] = []
        self._faulty: SwarmServer | None = None
        self._host_meters: Meters | None = None

    @property
    def is_here(self) -> bool:
        """Whether all hosts run on this machine, so that the case uses its CPUs."""
        return is_this_machine(self.clocks, own_clock())

    def bring_up(self, services: Sequence[str], override: Path) -> None:
        """Deploy ``services`` as a stack, which is stored with the logs; then set what it lacks."""
        config = Compose(self.project, override).config(*services)
        stack = stack_of(
            config,
            self.project,
            self._nodes(services),
            self.order.placed_on,
            is_encrypted=self._hosts.are_encrypted,
        )
        document: dict[str, Any] = {**stack.document, "x-dropped": stack.dropped}
        path = write_whole(self.order.folder / STACK_FILE, to_json(document, indent=1) + "\n")
        self._fleet.deploy(self.project, path, {SECRET: self.order.secret})
        is_limited = self.order.limits.memory is not None
        limits = {
            name: late_limits(each, must_not_swap=is_limited and name == self.order.model)
            for name, each in config["services"].items()
        }
        set_limits(self._fleet.containers(self.project), limits)

    def start(self) -> None:
        """Start as on one host; then check that what is encrypted arrives, and start the meters."""
        super().start()
        if self._hosts.are_encrypted:
            clients = self._fleet.containers(self.project, CLIENT)
            check_encryption(clients, self.order.model)
        if not self.is_here:
            meters = list(self._new_meters())
            self._host_meters = Meters(meters, self.clocks, own_clock())
            self._host_meters.wait_until_ready()

    def _new_meters(self) -> Iterator[HostMeter]:
        """Start a meter on each host that has containers of the case."""
        found: dict[str, dict[str, list[str]]] = {}
        for container in self._fleet.containers(self.project):
            host = self._fleet.host_of(container)
            ids = found.setdefault(host.name, {each: [] for each in METERED})
            part = PARTS.get(container.labels[SERVICE_LABEL], "server")
            ids[part].append(str(container.id))
        for host in self._fleet.hosts:
            if host.name in found:
                yield HostMeter(host, self.project, self._images[CLIENT], found[host.name])

    def read_host(self) -> HostReading:
        """Return the times of this machine if all hosts are on it; else ask the meters."""
        if self._host_meters is None:
            return super().read_host()
        here, probe_s = HostTimes.elsewhere(self.cpus), self.cpu_s().get("probe") or 0.0
        return HostReading(here, self._host_meters.ask(here.own_cpu_s + probe_s))

    def _nodes(self, services: Sequence[str]) -> dict[str, list[str]]:
        """Return the nodes of each service's containers."""
        anywhere = [""] * containers_of_clients(self.order)
        places = places_of(self._hosts.by_name, self.order.placed_on or anywhere)
        ids = self._fleet.node_ids
        on_server = {name: [ids[places.server]] for name in services}
        clients = [ids[name] for name in places.clients]
        return {**on_server, CLIENT: clients, CONDUCTOR: clients[:1]}

    def new_server(
        self, server: Container, clients: Sequence[Container], control: tuple[str, int] | None
    ) -> DockerServer:
        """Return the server for faults, which may also cut the links of the clients' hosts."""
        by_host: dict[str, list[Container]] = {}
        for client in clients:
            by_host.setdefault(self._fleet.host_of(client).name, []).append(client)
        self._faulty = SwarmServer(self._fleet, server, by_host, self.order, control)
        elsewhere = other_clocks(self.clocks, own_clock())
        on_server, on_client = (
            self._fleet.host_of(each).name in elsewhere for each in (server, clients[0])
        )
        self._faulty.use_answers(of_server=on_server, of_crowds=on_client)
        return self._faulty

    def port_of(self, container: Container, port: int) -> tuple[str, int]:
        """Return a port of this machine that leads to the container's."""
        relay = Relay(container, port, self._fleet.environment_of(container))
        self._relays.append(relay)
        return relay.address

    def start_server(self) -> None:
        """Start a new server, for inspection; the network of the drained one has gone with it."""
        self._fleet.start_again(self.project, self.order.model)

    def end(self) -> StageEnd:
        """End as a stage on one host does; the programs may have several clocks."""
        self._close_programs()
        return replace(super().end(), is_one_host=False)

    def cause_of_failure(self) -> str:
        """Return which hosts do not answer, or else what is known on one host."""
        if silent := self._fleet.silent():
            return f"the Docker engine of {' and of '.join(silent)} does not answer"
        return super().cause_of_failure()

    def kill_probes(self) -> None:
        """Kill every probe, relay and program at a link that still runs."""
        super().kill_probes()
        self._close_programs()
        for relay in self._relays:
            relay.close()

    def _close_programs(self) -> None:
        if self._faulty is not None:
            self._faulty.close_programs()
        if self._host_meters is not None:
            self._host_meters.close()
