"""A registry between the hosts: this machine's engine pushes an image, the others pull it.

Everything goes through the engines' own API, so only they need to reach the registry. The
credentials are those that ``docker login`` has stored on this machine; each engine is given them
with the call. What is pushed stays in the registry.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Any

import docker
import requests

from orchestrator.execution.backend import BackendError
from orchestrator.execution.background import LOOK_EVERY_S, in_background
from orchestrator.execution.docker.engine import ENGINE_ERRORS, Engine, reason_of
from orchestrator.execution.docker.image_source import PROJECT
from orchestrator.execution.swarm.connection import HostEngine
from orchestrator.scenario.hosts import Hosts

TAG_CHARS = 16
NEVER_PUSHED = "check"
SHOWN_CHARS = 300
SILENCE_S = 120.0
BUILDER = "this machine's engine"
_LOG_IN = "log in on this machine: docker login {host}"
_ADVICE = {
    "http response to https client": "it has no TLS; give it a certificate, or add {host} to "
    "insecure-registries in the daemon.json of that engine",
    "x509": "put its CA into /etc/docker/certs.d/{host}/ca.crt on that host, or correct its "
    "certificate",
    "no basic auth credentials": _LOG_IN,
    "unauthorized": _LOG_IN,
    "denied": f"{_LOG_IN}, as somebody who may",
}
"""What to do, by what an engine says in lower case."""

_USUAL_ADVICE = "does it run, and does that engine reach it?"

Steps = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Pushed:
    """An image in a registry: its ``digest`` there, and its ``tag`` on this machine, if any."""

    digest: str
    tag: str | None


class Registry:
    """The registry at ``address``: its host and port, and the path below which images go.

    All images have one repository there, and the beginnings of their ids as tags.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.repository = f"{address}/{PROJECT}"

    def push(self, image: str, builder: Engine) -> Pushed:
        """Push the image with this id, and what of it the registry lacks.

        Raises:
            BackendError: the registry does not take it.
        """
        tag = image.removeprefix("sha256:")[:TAG_CHARS]
        with self._failures(f"{BUILDER} cannot push to"), builder.patience():
            found = builder.client.images.get(image)
            own = next((each for each in found.tags if self.repository not in each), None)
            found.tag(self.repository, tag)
            try:
                steps = builder.client.images.push(self.repository, tag, stream=True, decode=True)
                digest = str(_check(steps)["Digest"])
            finally:
                if own is not None:  # else the image itself would go with its only tag
                    builder.remove_image(f"{self.repository}:{tag}")
        return Pushed(digest, own)

    def pull(self, pushed: Pushed, host: str, engine: Engine) -> None:
        """Pull an image by its digest to ``host``, and give it the tag that it has here.

        Raises:
            BackendError: the registry does not give it.
        """
        name = f"{self.repository}@{pushed.digest}"
        with self._failures(f"{host}: its engine cannot pull from"), engine.patience():
            api = engine.client.api
            digest = pushed.digest
            _follow(lambda: api.pull(self.repository, tag=digest, stream=True, decode=True))
            if pushed.tag is not None:
                engine.client.images.get(name).tag(pushed.tag)
                engine.remove_image(name)  # the name only, since the image has another

    def problem_of(self, host: HostEngine) -> str:
        """Return why the engine of ``host`` cannot use the registry, empty if it can."""
        never_pushed = f"{self.repository}:{NEVER_PUSHED}"
        what = f"{host.name}: its engine cannot pull from"
        patience = Engine(host.client, host.endpoint).patience()  # to hear the engine's own reason
        try:
            with self._failures(what), patience, contextlib.suppress(docker.errors.NotFound):
                host.client.api.inspect_distribution(never_pushed)  # type: ignore[no-untyped-call]
        except BackendError as exc:
            return str(exc)
        return ""

    @contextlib.contextmanager
    def _failures(self, who: str) -> Iterator[None]:
        """Raise a `BackendError` in place of the SDK's errors."""
        try:
            yield
        except ENGINE_ERRORS as exc:
            raise BackendError(self._advised(who, _reason(exc))) from exc

    def _advised(self, who: str, reason: str) -> str:
        """Return one line: ``who`` cannot do what, the ``reason``, and what to do."""
        host = self.address.partition("/")[0]
        shown = " ".join(reason.split())[:SHOWN_CHARS]
        advice = next((each for sign, each in _ADVICE.items() if sign in shown.lower()), "")
        return (
            f"{who} the registry {self.address} ({shown}); "
            f"{(advice or _USUAL_ADVICE).format(host=host)}"
        )


def registry_of(hosts: Hosts) -> Registry | None:
    """Return the registry that the hosts file names, None if it names none."""
    return None if hosts.registry is None else Registry(hosts.registry)


def _reason(error: BaseException) -> str:
    """Return why an engine's call failed, in its own words if it has answered."""
    if isinstance(error, docker.errors.APIError) and error.explanation:
        return str(error.explanation)
    if isinstance(error, requests.exceptions.Timeout):
        return "that engine does not answer"
    return reason_of(error)


def _follow(begin: Callable[[], Steps]) -> None:
    """Follow a transfer that the SDK itself lets take for ever, as long as there is progress.

    Raises:
        docker.errors.APIError: it failed, or nothing was heard of it for `SILENCE_S`.
    """
    heard_s = time.monotonic()

    def hear() -> None:
        nonlocal heard_s
        heard_s = time.monotonic()

    transfer = in_background(lambda: _check(begin(), hear))
    while not wait([transfer], LOOK_EVERY_S).done:
        if time.monotonic() - heard_s > SILENCE_S:
            silent = f"no progress within {SILENCE_S:g} s"
            raise docker.errors.APIError("transfer", explanation=silent)
    transfer.result()


def _check(steps: Steps, hear: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Take all ``steps`` of a transfer, and ``hear`` each; return what the last ones add.

    Raises:
        docker.errors.APIError: one of them is an error, with which a transfer ends.
    """
    added: dict[str, Any] = {}
    for step in steps:
        hear()
        if "error" in step:
            raise docker.errors.APIError("transfer", explanation=step["error"])
        added |= step.get("aux") or {}
    return added
