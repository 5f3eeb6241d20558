"""On which host each container of a case runs: from the hosts file, and what groups ask for."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.execution.backend import BackendError
from orchestrator.measures.hints import unknown
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.hosts import CLIENTS, SERVER, Host
from orchestrator.scenario.scenario import Scenario


@dataclass(frozen=True)
class Places:
    """The names of hosts: that of the server and its proxy, and that of each client in turn.

    The conductor is beside the first client.
    """

    server: str
    clients: tuple[str, ...]


def places_of(hosts: Mapping[str, Host], placed_on: Sequence[str]) -> Places:
    """Return where the containers of a case run, with a client for each of ``placed_on``.

    That is the name of the host of each client, or empty: these are spread evenly, in turn. The
    server gets the first host that may run nothing else, or else the first that may run it. Its
    host carries no client, since both would compete for CPUs, unless the hosts file says that it
    may, or the client is placed there.

    Raises:
        BackendError: no host is left for clients.
    """
    able = [name for name, host in hosts.items() if SERVER in host.runs]
    server = next((name for name in able if CLIENTS not in hosts[name].runs), able[0])
    others = [
        name
        for name, host in hosts.items()
        if CLIENTS in host.runs and (name != server or host.beside_server)
    ]
    if not others and not all(placed_on):
        raise BackendError(
            f"no host is left for clients, since {server} has the server; add a host to the hosts "
            f"file, or beside_server: true to {server}, or run on one engine: --backend docker"
        )
    turns = itertools.cycle(others)
    return Places(server, tuple(name or next(turns) for name in placed_on))


def check_places(scenario: Scenario, hosts: Mapping[str, Host]) -> None:
    """Check that the hosts that a scenario names are known, and may run the clients placed there.

    Raises:
        MisuseError: one is not; with every reason.
    """
    if reasons := list(_reasons(scenario, hosts)):
        raise MisuseError("; ".join(reasons))


def _reasons(scenario: Scenario, hosts: Mapping[str, Host]) -> Iterator[str]:
    for group in scenario.clients:
        name = group.placed_on
        if name and name not in hosts:
            yield f"place of {group.name}: {unknown('host', name, hosts)}"
        elif name and CLIENTS not in hosts[name].runs:
            yield f"place of {group.name}: {name} may not run clients; add that to its runs"
    for fault in scenario.faults:
        if fault.host is not None and fault.host not in hosts:
            yield f"{fault.fault} at {fault.at}: {unknown('host', fault.host, hosts)}"


def refuse_places(scenario: Scenario) -> None:
    """Refuse what names a host, for a backend that has one.

    Raises:
        MisuseError: a group or a fault does; with every name.
    """
    named = [f"place of {group.name}" for group in scenario.clients if group.placed_on]
    named += [fault.fault for fault in scenario.faults if fault.host is not None]
    if named:
        raise MisuseError(
            f"{', '.join(named)}: there is one host only; use run --backend swarm with a hosts "
            "file, or leave it out"
        )
