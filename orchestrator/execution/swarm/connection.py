"""The engine of a host: by a socket, by TCP with TLS, through ssh, or by a Docker context."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import docker

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.endpoint import DirectClient, Endpoint, endpoint_of_context
from orchestrator.execution.docker.engine import ENGINE_ERRORS, SDK_TIMEOUT_S, reason_of
from orchestrator.execution.swarm.certificates import check_certificates, tls_refusal
from orchestrator.execution.swarm.ssh_tunnel import ssh_tunnel
from orchestrator.scenario.hosts import Hosts, ssh_address


@dataclass(frozen=True)
class HostEngine:
    """An engine that has answered; ``address`` is that of the hosts file or of the context.

    ``endpoint`` is how it is reached from here: through ssh, by a socket of this machine.
    """

    name: str
    address: str
    client: docker.DockerClient
    endpoint: Endpoint

    @property
    def node_id(self) -> str:
        """The id of its node, empty if it is in no swarm."""
        return str(self.client.info()["Swarm"]["NodeID"])


@contextlib.contextmanager
def connected(hosts: Hosts, name: str) -> Iterator[HostEngine]:
    """Connect to the engine of the host ``name``, and close the connection at the end.

    Raises:
        BackendError: it does not answer, or a certificate for it is missing or wrong.
    """
    endpoint = _endpoint_of(hosts, name)
    with contextlib.ExitStack() as stack:
        through, tunnel = endpoint, None
        if (ssh := ssh_address(endpoint.address)) is not None:
            tunnel = stack.enter_context(ssh_tunnel(ssh))
            through = replace(endpoint, address=tunnel.address)
        try:
            client = DirectClient(through, SDK_TIMEOUT_S)
            stack.callback(client.close)
            client.ping()
        except ENGINE_ERRORS as exc:
            refusal = tunnel.refusal() if tunnel else tls_refusal(exc, endpoint)
            reason = refusal or reason_of(exc)
            raise BackendError(
                f"no Docker engine answers at {endpoint.address} ({reason})"
            ) from exc
        yield HostEngine(name, endpoint.address, client, through)


@contextlib.contextmanager
def connected_to_all(hosts: Hosts) -> Iterator[tuple[list[HostEngine], list[str]]]:
    """Connect to every host's engine; yield those that answer, and why the others do not."""
    engines, silent = [], []
    with contextlib.ExitStack() as stack:
        for name in hosts.by_name:
            try:
                engines.append(stack.enter_context(connected(hosts, name)))
            except BackendError as exc:
                silent.append(f"{name}: {exc}")
        yield engines, silent


def _endpoint_of(hosts: Hosts, name: str) -> Endpoint:
    host = hosts.by_name[name]
    if host.context is not None:
        return endpoint_of_context(host.context)
    assert host.engine is not None  # noqa: S101 the file is refused otherwise
    certificates = hosts.certificates_of(name)
    if certificates is not None:
        check_certificates(certificates)
    return Endpoint(host.engine, f"host {name}", certificates)
