"""Which endpoint a host has, and what is said of one that does not answer."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.endpoint import Endpoint
from orchestrator.execution.swarm import connection
from orchestrator.execution.swarm.connection import connected, connected_to_all
from orchestrator.execution.swarm.ssh_tunnel import Tunnel
from orchestrator.scenario.hosts import Host, Hosts, SshAddress

HOSTS = Hosts(
    {
        "near": Host(engine="unix:///near.sock"),
        "secured": Host(engine="tcp://far:2376", tls="certs"),
        "through": Host(engine="ssh://me@far"),
        "named": Host(context="laptop"),
    },
    Path("/files"),
)


@pytest.fixture
def endpoints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Endpoint]:
    """Return the endpoints that are connected to; each engine answers."""
    asked: list[Endpoint] = []

    def client(endpoint: Endpoint, _timeout_s: int) -> SimpleNamespace:
        asked.append(endpoint)
        return SimpleNamespace(ping=lambda: True, close=lambda: None)

    @contextlib.contextmanager
    def tunnel(address: SshAddress) -> Iterator[Tunnel]:
        yield Tunnel(f"unix:///tunnel-to-{address.destination}", tmp_path / "errors")

    monkeypatch.setattr(connection, "DirectClient", client)
    monkeypatch.setattr(connection, "ssh_tunnel", tunnel)
    monkeypatch.setattr(connection, "check_certificates", lambda _: None)
    monkeypatch.setattr(
        connection, "endpoint_of_context", lambda name: Endpoint(f"ssh://of-{name}", name)
    )
    return asked


@pytest.mark.parametrize(
    ("name", "shown", "used", "certificates"),
    [
        ("near", "unix:///near.sock", "unix:///near.sock", None),
        ("secured", "tcp://far:2376", "tcp://far:2376", Path("/files/certs")),
        ("through", "ssh://me@far", "unix:///tunnel-to-me@far", None),
        ("named", "ssh://of-laptop", "unix:///tunnel-to-of-laptop", None),
    ],
)
def test_a_host_is_reached_as_the_file_says(
    endpoints: list[Endpoint], name: str, shown: str, used: str, certificates: Path | None
) -> None:
    with connected(HOSTS, name) as engine:
        assert (engine.name, engine.address) == (name, shown)
    (endpoint,) = endpoints
    assert (endpoint.address, endpoint.certificates) == (used, certificates)


def test_all_that_answer_are_connected_at_once(
    endpoints: list[Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> Endpoint:
        raise BackendError(f"no context {name}")

    monkeypatch.setattr(connection, "endpoint_of_context", fail)
    with connected_to_all(HOSTS) as (engines, silent):
        assert [engine.name for engine in engines] == ["near", "secured", "through"]
        assert silent == ["named: no context laptop"]
    assert len(endpoints) == 3


def test_an_engine_that_does_not_answer_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_endpoint: Endpoint, _timeout_s: int) -> SimpleNamespace:
        raise docker.errors.DockerException from ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(connection, "DirectClient", refuse)
    with pytest.raises(BackendError) as failure, connected(HOSTS, "near"):
        pass
    assert str(failure.value) == (
        "no Docker engine answers at unix:///near.sock (connection refused)"
    )


def test_what_refuses_the_connection_is_the_reason(
    endpoints: list[Endpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of ssh, which has reached the machine but not its engine; and of TLS."""

    def refuse(endpoint: Endpoint, _timeout_s: int) -> SimpleNamespace:
        endpoints.append(endpoint)
        raise docker.errors.DockerException from ConnectionResetError(104, "Connection reset")

    monkeypatch.setattr(connection, "DirectClient", refuse)
    (tmp_path / "errors").write_text("channel 1: open failed: connect failed: open failed\n")
    with connected_to_all(HOSTS) as (engines, silent):
        assert engines == []
    near, secured, through, _ = silent
    assert near == ("near: no Docker engine answers at unix:///near.sock (connection reset)")
    assert secured.startswith(
        "secured: no Docker engine answers at tcp://far:2376 (it refuses /files/certs/cert.pem;"
    )
    assert through.startswith(
        "through: no Docker engine answers at ssh://me@far (ssh connects, but not to "
    )


def test_a_certificate_that_is_missing_is_named_before_anything_is_connected() -> None:
    with connected_to_all(Hosts({"a": HOSTS.by_name["secured"]}, Path("/files"))) as (_, silent):
        assert silent == [
            "a: there is no /files/certs/ca.pem; the folder of tls needs ca.pem, cert.pem and "
            "key.pem"
        ]
