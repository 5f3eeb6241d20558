"""Where the engine is: the same as for the docker command, which Compose is a part of.

That is DOCKER_HOST with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or a docker context with the
certificates that it has. The docker command is asked for it, since it alone knows its contexts.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import urllib3
from docker.tls import TLSConfig

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.compose import (
    QUICK_DEADLINE_S,
    ComposeError,
    direct_to,
    run_docker,
)

CHOOSING = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS")
DEFAULT_CONTEXT = "default"
UNREADABLE = (ComposeError, ValueError, KeyError, TypeError, AttributeError)
"""Raised by what ``docker context inspect`` does not print."""

CA, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"


@dataclass(frozen=True)
class Endpoint:
    """The address of an engine; ``choice`` is what names it, empty if it is the default address.

    ``certificates`` is the folder of the files for TLS, None without TLS.
    """

    address: str
    choice: str = ""
    certificates: Path | None = None
    is_verified: bool = True

    def environment(self) -> dict[str, str]:
        """Return variables that make the docker command use this engine."""
        chosen = {"DOCKER_HOST": self.address, "DOCKER_CONTEXT": "", **direct_to(self.address)}
        if self.certificates is None:
            return {**chosen, "DOCKER_TLS_VERIFY": "", "DOCKER_TLS": ""}
        verified = {"DOCKER_TLS_VERIFY" if self.is_verified else "DOCKER_TLS": "1"}
        return {**chosen, **verified, "DOCKER_CERT_PATH": str(self.certificates)}

    def tls(self) -> TLSConfig | None:
        """Return the SDK's settings for TLS.

        Raises:
            docker.errors.TLSParameterError: a file that is needed is not there.
        """
        if self.certificates is None:
            return None
        ca, certificate, key = (self.certificates / name for name in (CA, CERTIFICATE, KEY))
        pair = (str(certificate), str(key)) if certificate.exists() else None
        return TLSConfig(
            client_cert=pair,
            ca_cert=str(ca) if self.is_verified else None,
            verify=self.is_verified,
        )


def find_endpoint() -> Endpoint:
    """Return where the docker command finds its engine.

    Raises:
        BackendError: its configuration is broken, or names what does not exist.
    """
    try:
        return _inspected()
    except UNREADABLE as exc:
        named = named_by_environment()
        where = f"{named} or " if named else ""
        raise BackendError(
            f"the docker command does not say where its engine is; correct {where}its "
            "configuration (docker context ls), "
            f"or run without containers: --backend process\n{exc}"
        ) from exc


def endpoint_of_context(name: str) -> Endpoint:
    """Return where the Docker context ``name`` finds its engine.

    Raises:
        BackendError: there is no such context, or it is broken.
    """
    try:
        return _inspected(name)
    except UNREADABLE as exc:
        message = f"the Docker context {name} cannot be read; see docker context ls\n{exc}"
        raise BackendError(message) from exc


def _inspected(*names: str) -> Endpoint:
    """Return the endpoint of the context in use, or of the one named.

    Raises:
        ComposeError, ValueError, KeyError, TypeError, AttributeError: there is none.
    """
    printed = run_docker(["context", "inspect", *names], timeout_s=QUICK_DEADLINE_S)
    (context,) = json.loads(printed[printed.index("[") :])
    return _endpoint_of(context)


def _endpoint_of(context: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint in what ``docker context inspect`` prints."""
    name, described = context["Name"], context["Endpoints"]["docker"]
    address, is_unverified = str(described["Host"]), bool(described.get("SkipTLSVerify"))
    if name != DEFAULT_CONTEXT:
        has_tls = is_unverified or bool(context.get("TLSMaterial", {}).get("docker"))
        folder = Path(context["Storage"]["TLSPath"]) / "docker" if has_tls else None
        return Endpoint(address, f"the docker context {name}", folder, not is_unverified)
    if os.environ.get("DOCKER_TLS_VERIFY"):
        return Endpoint(address, named_by_environment(), _certificates_of_environment())
    if os.environ.get("DOCKER_TLS"):
        folder = _certificates_of_environment()
        return Endpoint(address, named_by_environment(), folder, is_verified=False)
    return Endpoint(address, named_by_environment())


def _certificates_of_environment() -> Path:
    named = os.environ.get("DOCKER_CERT_PATH") or os.environ.get("DOCKER_CONFIG")
    return Path(named) if named else Path.home() / ".docker"


def named_by_environment() -> str:
    """Return the variables that choose the engine, empty if none is set."""
    return " and ".join(name for name in CHOOSING if os.environ.get(name))


class DirectClient(docker.DockerClient):
    """The SDK's client, which reaches the engine without a proxy, as the docker command does."""

    def __init__(self, endpoint: Endpoint, timeout_s: int) -> None:
        if not endpoint.is_verified:  # as the user wants it; urllib3 warns at every request
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.api = _DirectAPIClient(
            base_url=endpoint.address, tls=endpoint.tls() or False, timeout=timeout_s
        )


class _DirectAPIClient(docker.APIClient):
    """Takes nothing from HTTP_PROXY and its like, which are for other programs."""

    @property
    def trust_env(self) -> bool:
        """Whether the SDK may use them."""
        return False

    @trust_env.setter
    def trust_env(self, _: bool) -> None:
        """Ignore the default of requests."""
