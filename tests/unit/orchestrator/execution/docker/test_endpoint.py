"""The engine is the one that the docker command uses, with its certificates and without a proxy."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import docker
import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker import endpoint
from orchestrator.execution.docker.compose import ComposeError, docker_environment
from orchestrator.execution.docker.endpoint import (
    CHOOSING,
    DirectClient,
    Endpoint,
    endpoint_of_context,
    find_endpoint,
)

TCP = "tcp://127.0.0.1:2376"


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CHOOSING, "DOCKER_CERT_PATH", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def inspected(monkeypatch: pytest.MonkeyPatch, **context: object) -> Endpoint:
    """Return the endpoint for what ``docker context inspect`` prints."""
    default: dict[str, Any] = {
        "Name": "default",
        "Endpoints": {"docker": {"Host": TCP, "SkipTLSVerify": False}},
        "TLSMaterial": {},
        "Storage": {"TLSPath": "<IN MEMORY>"},
    }
    printed = f"WARNING: odd file\n{json.dumps([default | context])}"
    monkeypatch.setattr(endpoint, "run_docker", lambda *_, **__: printed)
    return find_endpoint()


def test_the_default_engine_is_nobody_s_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert inspected(monkeypatch) == Endpoint(TCP)
    assert Endpoint(TCP).tls() is None


@pytest.mark.parametrize("folder", ["DOCKER_CERT_PATH", "DOCKER_CONFIG"])
def test_the_environment_can_ask_for_tls(
    folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", TCP)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv(folder, str(tmp_path))
    found = inspected(monkeypatch)
    assert found == Endpoint(TCP, "DOCKER_HOST and DOCKER_TLS_VERIFY", tmp_path, is_verified=True)


def test_certificates_alone_ask_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the docker command."""
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certificates")
    assert inspected(monkeypatch) == Endpoint(TCP)


def test_tls_without_verification_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_TLS", "1")
    assert not inspected(monkeypatch).is_verified


@pytest.mark.parametrize(
    ("material", "skipped", "certificates", "is_verified"),
    [
        ({}, False, None, True),
        ({"docker": ["ca.pem"]}, False, Path("/contexts/tls/docker"), True),
        ({}, True, Path("/contexts/tls/docker"), False),
    ],
)
def test_a_context_has_certificates_of_its_own(
    material: dict[str, list[str]],
    skipped: bool,
    certificates: Path | None,
    is_verified: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = inspected(
        monkeypatch,
        Name="far",
        Endpoints={"docker": {"Host": TCP, "SkipTLSVerify": skipped}},
        TLSMaterial=material,
        Storage={"TLSPath": "/contexts/tls"},
    )
    assert found == Endpoint(TCP, "the docker context far", certificates, is_verified)


def test_the_sdk_gets_the_files_that_there_are(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    tls = Endpoint(TCP, "", tmp_path).tls()
    assert tls is not None
    assert tls.ca_cert == str(tmp_path / "ca.pem")
    assert tls.cert == (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    unverified = Endpoint(TCP, "", tmp_path / "none", is_verified=False).tls()
    assert unverified is not None
    assert (unverified.cert, unverified.verify) == (None, False)


def test_certificates_that_are_missing_are_an_error_of_the_engine(tmp_path: Path) -> None:
    with pytest.raises(docker.errors.DockerException):
        Endpoint(TCP, "", tmp_path).tls()


@pytest.mark.parametrize("printed", ["", "garbage", "[]", "[1]", '[{"Name": "x"}]', "[{}, {}]"])
def test_a_docker_command_that_prints_garbage_is_named(
    printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "run_docker", lambda *_, **__: printed)
    with pytest.raises(BackendError, match="does not say where its engine is; correct its conf"):
        find_endpoint()


def test_a_context_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise ComposeError('docker context inspect failed:\n    context "gone": not found')

    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    monkeypatch.setattr(endpoint, "run_docker", fail)
    with pytest.raises(BackendError, match=r'correct DOCKER_CONTEXT or (?s:.)*"gone": not found'):
        find_endpoint()


@pytest.mark.parametrize(
    ("found", "variables"),
    [
        (Endpoint("unix:///x"), {"DOCKER_HOST": "unix:///x", "DOCKER_TLS_VERIFY": ""}),
        (Endpoint(TCP, "", Path("/c")), {"DOCKER_CERT_PATH": "/c", "DOCKER_TLS_VERIFY": "1"}),
        (Endpoint(TCP, "", Path("/c"), is_verified=False), {"DOCKER_TLS": "1"}),
        (Endpoint("tcp://far:1", "", Path("/c")), {"NO_PROXY": "near,far"}),
    ],
)
def test_the_docker_command_is_led_to_an_endpoint_whatever_the_environment_says(
    found: Endpoint, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "near")
    chosen = found.environment()
    assert {name: chosen[name] for name in variables} == variables
    assert chosen["DOCKER_CONTEXT"] == ""


def test_a_context_is_asked_for_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(arguments: list[str], **_: object) -> str:
        asked.append(arguments)
        return json.dumps(
            [{"Name": "far", "Endpoints": {"docker": {"Host": "ssh://me@far"}}, "Storage": {}}]
        )

    monkeypatch.setattr(endpoint, "run_docker", run)
    assert endpoint_of_context("far") == Endpoint("ssh://me@far", "the docker context far")
    assert asked == [["context", "inspect", "far"]]


def test_a_context_of_a_host_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise ComposeError('docker context inspect far failed:\n    context "far": not found')

    monkeypatch.setattr(endpoint, "run_docker", fail)
    with pytest.raises(BackendError, match=r'the Docker context far cannot be read(?s:.)*"far":'):
        endpoint_of_context("far")


class Version(BaseHTTPRequestHandler):
    """An engine that answers with its version."""

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps({"ApiVersion": "1.44", "Version": "1"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_an_engine_over_tcp_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), Version) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            client = DirectClient(Endpoint(f"tcp://127.0.0.1:{server.server_port}"), timeout_s=5)
            assert client.version()["Version"] == "1"
            client.close()
        finally:
            server.shutdown()
            thread.join()


def test_the_docker_command_reaches_the_engine_without_a_proxy_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.test:2375")
    monkeypatch.setenv("NO_PROXY", "mine")
    monkeypatch.delenv("no_proxy", raising=False)
    environment = docker_environment()
    assert environment["NO_PROXY"] == "mine,engine.test"
    assert environment["no_proxy"] == "engine.test"
