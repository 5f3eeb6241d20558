"""What all sections of a scenario have in common, and the settings of the server.

Configured values only, as written; an absent server setting is the server's own default.

A server that is not the lab's: an image, a command, or an address, beside our models.
"""

import ipaddress
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from labkit.protocol.parsing import parse_duration_s
from labkit.server.settings import Settings
from orchestrator.scenario.fields import (
    Flag,
    Name,
    Text,
    duration_between,
    number_between,
    one_of,
    parse_size_bytes,
    size_between,
    whole,
)

SERVER_DEFAULTS = Settings()
"""What a server assumes where the scenario is silent."""


class Section(BaseModel):
    """A map of a scenario file: no key but the known ones, nothing coerced, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ServerSettings(Section):
    """Settings of every server in a run; None leaves the server its default."""

    workers: Annotated[int, whole(1, 1024)] | None = None
    backlog: Annotated[int, whole(1, 65535)] | None = None
    work: Annotated[Literal["sleep", "cpu"], one_of("sleep", "cpu")] | None = None
    service_time: Annotated[str, duration_between("0s", "60m")] | None = None
    max_message_bytes: Annotated[int, whole(16, 1 << 20)] | None = None
    max_service_time: Annotated[str, duration_between("1ms", "60m")] | None = None
    idle_timeout: Annotated[str, duration_between("1ms", "60m")] | None = None
    drain_timeout: Annotated[str, duration_between("1ms", "10m")] | None = None
    blocking_sleep: Flag | None = None

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the settings that are set: ``LAB_WORKERS``."""
        settings = self.model_dump(exclude_none=True)
        return {
            f"LAB_{name.upper()}": str(int(value) if isinstance(value, bool) else value)
            for name, value in settings.items()
        }

    def complete(self) -> "ServerSettings":
        """Return these settings with the server's defaults for those that the load depends on."""
        defaults = {
            "workers": SERVER_DEFAULTS.workers,
            "backlog": SERVER_DEFAULTS.backlog,
            "work": SERVER_DEFAULTS.work,
            "service_time": f"{SERVER_DEFAULTS.service_time_s:g}s",
            "max_service_time": f"{SERVER_DEFAULTS.max_service_time_s:g}s",
        }
        absent = {name: each for name, each in defaults.items() if getattr(self, name) is None}
        return self.model_copy(update=absent)

    @property
    def service_time_s(self) -> float:
        """Demand in seconds of a message that carries none."""
        written = self.service_time
        return parse_duration_s(written) if written else SERVER_DEFAULTS.service_time_s

    @property
    def max_service_time_s(self) -> float:
        """Largest demand in seconds that a server accepts."""
        written = self.max_service_time
        return parse_duration_s(written) if written else SERVER_DEFAULTS.max_service_time_s


class Limits(Section):
    """What the server's container may have at most; None leaves it all of the machine."""

    cpus: Annotated[float, number_between(0.05, 256)] | None = None
    memory: Annotated[str, size_between("8MiB", "1024GiB")] | None = None

    @property
    def memory_bytes(self) -> int | None:
        """The memory in bytes."""
        return None if self.memory is None else round(parse_size_bytes(self.memory))


UNLIMITED = Limits()


DEFAULT_NAME = "target"
WAYS = ("image", "command", "address")
FIRST, SKIP = "first", "skip"
PORT = 3000
TAKEN = ("all", "server", "client", "conductor", "faultproxy")
"""Names that have a meaning beside those of the models, in a scenario or in compose.yaml."""

PORT_PLACE = "{port}"


class Target(Section):
    """One of `WAYS` to a server; ``name`` stands where a model's does.

    ``port`` is where an image's server listens. ``remote`` says that the user may load the machine
    of an ``address`` that is not this one.
    """

    name: Name = DEFAULT_NAME
    image: Text | None = None
    command: Annotated[tuple[Text, ...], Field(strict=False)] | None = None
    address: Text | None = None
    port: Annotated[int, whole(1, 65535)] = PORT
    remote: bool = False
    conformance: Annotated[str, one_of(FIRST, SKIP)] = FIRST

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port of ``address``, which was checked."""
        host, _, port = (self.address or "").rpartition(":")
        return host.strip("[]"), int(port)


def join_models(data: dict[str, Any]) -> None:
    """Put the target of a scenario, as it was written, at the end of its models, if it has one."""
    target = data.get("target")
    if not isinstance(target, dict):
        return
    name, models = target.get("name", DEFAULT_NAME), data.get("models", [])
    if isinstance(name, str) and isinstance(models, list) and name not in models:
        data["models"] = [*models, name]


def breaches_of_target(target: Target, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a target, whose parts are each allowed: the key, and why."""
    ways = [way for way in WAYS if getattr(target, way) is not None]
    if len(ways) != 1:
        yield ways[1] if ways else "name", f"a target is one of: {', '.join(WAYS)}; write just one"
    if target.name in (*known, *TAKEN):
        yield "name", f"{target.name} is taken, by the lab itself; give the target another name"
    if target.command == ():
        yield "command", "the list is empty; write the program and its arguments"
    if target.address is not None:
        yield from _breaches_of_address(target)


def _breaches_of_address(target: Target) -> Iterator[tuple[str, str]]:
    host, _, port = (target.address or "").rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port[:9]) < 1 << 16):
        yield "address", f"{target.address!r:.80} is no address; write HOST:PORT"
    elif not target.remote and not _is_loopback(host.strip("[]")):
        yield (
            "address",
            (f"{host} is not this machine; write remote: true if it is yours to put under load"),
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
