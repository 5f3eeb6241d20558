"""The engines of a swarm as one: what belongs to a project may be on any of them.

Each container is asked through its own engine. ``docker service logs`` is never used: it was seen
to hang in 27 of 50 calls.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import requests
from docker.models.containers import Container
from docker.models.networks import Network

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.compose import run_docker
from orchestrator.execution.docker.engine import (
    PROJECT_LABEL,
    STACK_LABEL,
    Engine,
    Part,
    by_project,
    by_service_and_number,
)
from orchestrator.execution.program_log import wait_for
from orchestrator.execution.swarm.checks import problems_of
from orchestrator.execution.swarm.connection import HostEngine, connected_to_all
from orchestrator.execution.swarm.facts import HostFacts, read_facts
from orchestrator.scenario.hosts import Hosts

DEPLOY_DEADLINE_S = 60.0
DEPLOY_PER_SERVICE_S = 2.0
POLL_S = 0.2
UP = frozenset({"running", "complete"})
FAILED = frozenset({"failed", "rejected", "orphaned"})


@contextlib.contextmanager
def connected_fleet(hosts: Hosts) -> Iterator["Fleet"]:
    """Connect to all ``hosts``, and check that they can work together.

    Raises:
        BackendError: they cannot; with every problem.
    """
    with connected_to_all(hosts) as (engines, silent):
        facts = [read_facts(engine) for engine in engines]
        if problems := [*silent, *problems_of(facts)]:
            shown = "\n".join(f"    {problem}" for problem in problems)
            raise BackendError(f"the hosts cannot work together; orchestrate.py hosts\n{shown}")
        yield Fleet.of(engines, facts)


class Fleet(Engine):
    """The engines of ``hosts``; ``manager`` is the one of them that deploys.

    ``engines`` and ``node_ids`` are those of the hosts by their names.
    """

    def __init__(self, hosts: Sequence[HostEngine], manager: HostEngine) -> None:
        super().__init__(manager.client, manager.endpoint)
        self.hosts = tuple(hosts)
        self.engines = {host.name: Engine(host.client, host.endpoint) for host in hosts}
        self._manager = manager
        self.node_ids = {host.name: host.node_id for host in hosts}

    @classmethod
    def of(cls, engines: Sequence[HostEngine], facts: Sequence[HostFacts]) -> "Fleet":
        """Return the fleet of ``engines``, which said ``facts``.

        Raises:
            BackendError: none of them is a manager.
        """
        managers = {each.name for each in facts if each.members is not None}
        manager = next((engine for engine in engines if engine.name in managers), None)
        if manager is None:
            raise BackendError("no manager of the swarm answers, and only it can deploy or remove")
        return cls(engines, manager)

    def _of_each(self, call: Callable[[Engine], list[Container]]) -> list[Container]:
        """Return what ``call`` returns for each engine; nothing for one that does not answer.

        So a host that has gone does not hide what the others have.
        """
        found: list[Container] = []
        for engine in self.engines.values():
            try:
                found += call(engine)
            except requests.exceptions.RequestException:
                if engine.answers():
                    raise
        return found

    def describe(self) -> dict[str, object]:
        """Return the manager's description, and those of all by their names."""
        each = {name: engine.describe() for name, engine in self.engines.items()}
        return {**each[self._manager.name], "hosts": each}

    @property
    def cpus(self) -> int:
        """The smallest number of CPUs of a host."""
        return min(engine.cpus for engine in self.engines.values())

    def containers(self, project: str, service: str | None = None) -> list[Container]:
        """Return the project's containers on all hosts, sorted by service and number."""
        found = self._of_each(lambda engine: engine.containers(project, service))
        return sorted(found, key=by_service_and_number)

    def ended_containers(self, project: str, service: str) -> list[Container]:
        """Return the containers of a service that have ended."""
        return self._of_each(lambda engine: engine.ended_containers(project, service))

    def networks_of(self, container: Container) -> list[Network]:
        """Return the networks of ``container``, as its own engine knows them."""
        return self.engines[self.host_of(container).name].networks_of(container)

    def environment_of(self, container: Container) -> Mapping[str, str]:
        """Return variables with which the docker command reaches the engine of ``container``."""
        return self.host_of(container).endpoint.environment()

    def host_of(self, container: Container) -> HostEngine:
        """Return the host whose engine runs ``container``."""
        return next(host for host in self.hosts if host.client is container.client)

    def deploy(self, project: str, stack: Path, secret: Mapping[str, str]) -> None:
        """Deploy the file ``stack``; return once every task runs.

        ``secret`` are variables of the file that must not be stored in it.

        Raises:
            BackendError: the command failed, a task failed, or one does not start in time.
        """
        file = ["--compose-file", str(stack.absolute()), "--resolve-image", "never"]
        services = json.loads(stack.read_text(encoding="utf-8"))["services"]
        deadline_s = DEPLOY_DEADLINE_S + DEPLOY_PER_SERVICE_S * len(services)
        environment = {**self._manager.endpoint.environment(), **secret}
        run_docker(
            ["stack", "deploy", *file, project], deadline_s, environment, is_alive=self.answers
        )

        def are_up() -> bool:
            states = self._task_states(project)
            return len(states) >= len(services) and set(states.values()) <= UP

        if not wait_for(are_up, deadline_s, POLL_S):
            late = sorted(self._task_states(project).values())
            raise BackendError(
                f"the tasks of {project} did not start within {deadline_s:g} s: {late}"
            )

    def _task_states(self, project: str) -> dict[str, str]:
        """Return the state of each task by its id.

        Raises:
            BackendError: one has failed; with the reason that its node gives.
        """
        filters = {"label": f"{STACK_LABEL}={project}"}
        tasks: list[dict[str, Any]] = self._client.api.tasks(filters=filters)  # type: ignore[no-untyped-call]
        for task in tasks:
            status = task["Status"]
            if status["State"] in FAILED:
                reason = status.get("Err") or status.get("Message") or "no reason given"
                raise BackendError(f"a task of {project} {status['State']}: {reason}")
        return {task["ID"]: task["Status"]["State"] for task in tasks}

    def start_again(self, project: str, service: str) -> None:
        """Start a new task of ``service``, whose last one has ended; do not wait for it."""
        for each in self._client.services.list(filters={"name": f"{project}_{service}"}):
            each.force_update()  # type: ignore[no-untyped-call]

    def all_answer(self) -> bool:
        """Whether the engines of all hosts answer."""
        return not self.silent()

    def silent(self) -> list[str]:
        """Return the names of the hosts whose engines do not answer."""
        return [name for name, engine in self.engines.items() if not engine.answers()]

    def _remove(self, project: str) -> None:
        for service in self._client.services.list(filters={"label": f"{STACK_LABEL}={project}"}):
            with contextlib.suppress(docker.errors.NotFound):
                service.remove()  # type: ignore[no-untyped-call]
        super()._remove(project)

    def projects(self) -> dict[str, list[Part]]:
        """Return the labels and kinds of what the projects of the swarm have on all hosts."""
        parts: list[Part] = [
            (container.attrs["Labels"], "container")
            for host in self.hosts
            for container in host.client.containers.list(
                all=True, filters={"label": [PROJECT_LABEL, STACK_LABEL]}, sparse=True
            )
        ]
        networks = self._client.networks.list(filters={"label": [PROJECT_LABEL, STACK_LABEL]})
        parts += [(network.attrs["Labels"], "network") for network in networks]
        return by_project(parts)
