"""On which host each container of a case runs: from the hosts file alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.execution.backend import BackendError
from orchestrator.scenario.hosts import CLIENTS, SERVER, Host


@dataclass(frozen=True)
class Places:
    """The names of hosts: that of the server and its proxy, and that of each client in turn.

    The conductor is beside the first client.
    """

    server: str
    clients: tuple[str, ...]


def places_of(hosts: Mapping[str, Host], replicas: int) -> Places:
    """Return where the containers of a case with that many client ``replicas`` run.

    The server gets the first host that may run nothing else, or else the first that may run it. Its
    host carries no client, since both would compete for CPUs, unless the hosts file says that it
    may. Clients are spread evenly, in turn.

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
    if not others:
        raise BackendError(
            f"no host is left for clients, since {server} has the server; add a host to the hosts "
            f"file, or beside_server: true to {server}, or run on one engine: --backend docker"
        )
    return Places(server, tuple(others[number % len(others)] for number in range(replicas)))
