"""The files for TLS, and who refuses which of them, with real handshakes on loopback."""

import contextlib
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.endpoint import DirectClient, Endpoint
from orchestrator.execution.docker.engine import ENGINE_ERRORS
from orchestrator.execution.swarm.certificates import check_certificates, tls_refusal
from tests.certificate_fixtures import issue, make_authority

HERE = "127.0.0.1"
TIMEOUT_S = 10


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a CA."""
    return make_authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def ours(authority: Path) -> Path:
    """Return the folder of a certificate that it signed for this machine."""
    return issue(authority, authority.parent / "ours", HERE)


@pytest.fixture(scope="module")
def foreign(authority: Path) -> Path:
    """Return the folder of a certificate that another CA signed."""
    other = make_authority(authority.parent / "other")
    return issue(other, authority.parent / "foreign", HERE)


def mixed(folder: Path, *files: Path) -> Path:
    """Return ``folder`` with copies of ``files``."""
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    return folder


def test_files_that_fit_are_accepted(ours: Path) -> None:
    check_certificates(ours)


@pytest.mark.parametrize("missing", ["ca.pem", "cert.pem", "key.pem"])
def test_a_missing_file_is_named(ours: Path, tmp_path: Path, missing: str) -> None:
    files = [each for each in ours.iterdir() if each.name != missing]
    folder = mixed(tmp_path / "some", *files)
    with pytest.raises(BackendError) as failure:
        check_certificates(folder)
    assert str(failure.value) == (
        f"there is no {folder / missing}; the folder of tls needs ca.pem, cert.pem and key.pem"
    )


def test_the_key_of_another_certificate_is_refused(
    ours: Path, foreign: Path, tmp_path: Path
) -> None:
    folder = mixed(tmp_path / "mixed", ours / "ca.pem", ours / "cert.pem", foreign / "key.pem")
    with pytest.raises(BackendError, match=r"cert\.pem and .*key\.pem .*\(key values mismatch\)"):
        check_certificates(folder)


def test_a_file_that_is_no_certificate_is_named(ours: Path, tmp_path: Path) -> None:
    folder = mixed(tmp_path / "odd", *ours.iterdir())
    (folder / "ca.pem").write_text("x\n")
    with pytest.raises(BackendError, match=r"odd/ca\.pem is no CA certificate in PEM form \("):
        check_certificates(folder)


@contextlib.contextmanager
def engine_of(certificates: Path | None) -> Iterator[str]:
    """Yield the address of what asks for a client certificate, or else has no TLS."""
    listener = socket.create_server((HERE, 0))
    context = None
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
        context.load_verify_locations(certificates / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    serving = threading.Thread(target=_serve, args=(listener, context))
    serving.start()
    try:
        yield f"tcp://{HERE}:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        serving.join()
        listener.close()


def _serve(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection = listener.accept()[0]
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            if context is None:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            else:
                context.wrap_socket(connection, server_side=True).close()


def refusal(address: str, folder: Path | None) -> str:
    """Return what is said of the failure to connect to ``address``."""
    endpoint = Endpoint(address, "host a", folder)
    with pytest.raises(ENGINE_ERRORS) as failure:
        DirectClient(endpoint, TIMEOUT_S)
    return tls_refusal(failure.value, endpoint)


def test_a_client_certificate_that_the_engine_refuses_is_named(
    ours: Path, foreign: Path, tmp_path: Path
) -> None:
    pair = (foreign / "cert.pem", foreign / "key.pem")
    folder = mixed(tmp_path / "mixed", ours / "ca.pem", *pair)
    with engine_of(ours) as address:
        assert refusal(address, folder) == (
            f"it refuses {folder}/cert.pem; is that signed by the CA that its dockerd has as "
            "--tlscacert, for clients, and not expired?"
        )


def test_an_engine_of_another_ca_is_not_trusted(ours: Path, foreign: Path) -> None:
    with engine_of(ours) as address:
        assert refusal(address, foreign).endswith(f"; is {foreign}/ca.pem the CA that signed it?")


def test_an_engine_under_another_name_is_not_trusted(authority: Path, tmp_path: Path) -> None:
    elsewhere = issue(authority, tmp_path / "elsewhere", "192.0.2.1")
    with engine_of(elsewhere) as address:
        said = refusal(address, elsewhere)
    assert said.startswith("the engine's certificate is refused: IP address mismatch")
    assert said.endswith("; write a name into the hosts file that its certificate has "
                         "(subjectAltName)")  # fmt: skip


def test_an_engine_without_tls_is_recognised(ours: Path) -> None:
    with engine_of(None) as address:
        assert refusal(address, ours) == (
            "what listens there has no TLS; start its dockerd with --tlsverify"
        )


def test_an_expired_certificate_is_called_that(ours: Path) -> None:
    expired = ssl.SSLCertVerificationError(1, "certificate verify failed")
    expired.verify_message = "certificate has expired"
    failure = docker.errors.DockerException("it failed")
    failure.__cause__ = expired
    assert tls_refusal(failure, Endpoint("tcp://a:1", "", ours)) == (
        "the engine's certificate is refused: certificate has expired; make a new one for that "
        "engine"
    )


def test_what_is_no_matter_of_tls_is_left_to_others(ours: Path) -> None:
    refused = ConnectionRefusedError(111, "Connection refused")
    assert tls_refusal(refused, Endpoint("tcp://a:1", "", ours)) == ""
    assert tls_refusal(ConnectionResetError(), Endpoint("unix:///a")) == ""
