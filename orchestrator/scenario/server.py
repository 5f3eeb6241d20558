"""The keys ``server``, ``limits`` and ``target`` of a scenario, and the base of all its sections.

A section holds values as they were written. A server setting that is absent keeps the default of
the server. A target is a server that is not one of the lab's models.
"""

import ipaddress
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, create_model

from labkit.protocol.parsing import parse_duration_s
from labkit.server.settings import Choice, Own, Settings, variable
from orchestrator.scenario.cpu_list import CpuList, cpu_list_text, parse_cpu_list
from orchestrator.scenario.fields import (
    Flag,
    Identifier,
    Text,
    duration_between,
    duration_or_off,
    number_between,
    one_of,
    parse_size_bytes,
    size_between,
    whole,
)
from orchestrator.scenario.models import own_settings

SERVER_DEFAULTS = Settings()
"""The settings of a server for which a scenario sets none."""

DEFAULT_TARGET_NAME = "target"
DEFAULT_TARGET_PORT = 3000
TARGET_KINDS = ("image", "command", "address")
FIRST, SKIP = "first", "skip"
PORT_PLACE = "{port}"
RESERVED_NAMES = ("all", "server", "client", "conductor", "faultproxy")
"""Names with another meaning in a scenario or in compose.yaml."""


class Section(BaseModel):
    """A map in a scenario file: only known keys, no value converted, immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CommonSettings(Section):
    """Settings of every server in a run; a server uses its default for a setting that is None."""

    workers: Annotated[int, whole(1, 1024)] | None = None
    backlog: Annotated[int, whole(1, 65535)] | None = None
    work: Annotated[Literal["sleep", "cpu"], one_of("sleep", "cpu")] | None = None
    service_time: Annotated[str, duration_between("0s", "60m")] | None = None
    max_message_bytes: Annotated[int, whole(16, 1 << 20)] | None = None
    max_service_time: Annotated[str, duration_between("1ms", "60m")] | None = None
    idle_timeout: Annotated[str, duration_or_off("1ms", "60m")] | None = None
    drain_timeout: Annotated[str, duration_between("1ms", "10m")] | None = None
    blocking_sleep: Flag | None = None

    def environment(self) -> dict[str, str]:
        """Return the settings that are set as environment variables, such as ``LAB_WORKERS``."""
        settings = self.model_dump(exclude_none=True)
        return {
            variable(name): str(int(value) if isinstance(value, bool) else value)
            for name, value in settings.items()
        }

    def complete(self) -> Self:
        """Return these settings, with the server's defaults for those that the load depends on."""
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


OWN_SETTINGS = own_settings()
"""The settings that only some models have, by name; compose.yaml declares them."""


def _field(own: Own) -> Any:  # noqa: ANN401 a type that is made at run time
    """Return type and default of the key of a setting that only some models have."""
    if isinstance(own, Choice):
        return Annotated[Literal[own.choices], one_of(*own.choices)] | None, None
    return Annotated[int, whole(own.low, own.high)] | None, None


if TYPE_CHECKING:
    ServerSettings = CommonSettings
else:
    ServerSettings = create_model(
        "ServerSettings",
        __base__=CommonSettings,
        __doc__=CommonSettings.__doc__,
        **{name: _field(own) for name, own in OWN_SETTINGS.items()},
    )


SYSCTLS = {
    "net.ipv4.tcp_migrate_req": (0, 1),
    "net.ipv4.tcp_abort_on_overflow": (0, 1),
    "net.ipv4.tcp_max_syn_backlog": (1, 1 << 20),
    "net.ipv4.tcp_syncookies": (0, 2),
    "net.ipv4.tcp_synack_retries": (0, 15),
    "net.ipv4.tcp_fin_timeout": (1, 600),
    "net.ipv4.tcp_tw_reuse": (0, 2),
    "net.ipv4.tcp_slow_start_after_idle": (0, 1),
}
"""The least and the greatest value of each setting of the kernel that a scenario may set.

Each network namespace has its own, so no other program is affected (ip-sysctl.rst of the kernel).
``net.core.somaxconn`` is not one of them: the lab sets it to the greatest value, so that
``server.backlog`` alone limits the accept queue.
"""


class _Sysctls(Section):
    """Settings of the kernel in the server's container; None leaves the kernel's default."""

    @property
    def values(self) -> dict[str, int]:
        """Those that are set, by name."""
        return self.model_dump(exclude_none=True)


if TYPE_CHECKING:
    Sysctls = _Sysctls
else:
    Sysctls = create_model(
        "Sysctls",
        __base__=_Sysctls,
        __doc__=_Sysctls.__doc__,
        **{name: (Annotated[int, whole(*each)] | None, None) for name, each in SYSCTLS.items()},
    )


class Limits(Section):
    """Limits of the server; a resource that is None is not limited.

    ``cpuset`` are the CPUs that the server may run on, ``client_cpuset`` those of its clients; they
    hold for local processes, too. The others are of the server's container.
    """

    cpus: Annotated[float, number_between(0.05, 256)] | None = None
    cpuset: CpuList | None = None
    client_cpuset: CpuList | None = None
    memory: Annotated[str, size_between("8MiB", "1024GiB")] | None = None
    sysctls: Sysctls | None = None

    @property
    def server_cpus(self) -> tuple[int, ...] | None:
        """The numbers of the CPUs that the server may run on, None if it may use all."""
        return None if self.cpuset is None else parse_cpu_list(self.cpuset)

    @property
    def client_cpus(self) -> tuple[int, ...] | None:
        """The numbers of the CPUs that the clients may run on, None if they may use all."""
        return None if self.client_cpuset is None else parse_cpu_list(self.client_cpuset)

    @property
    def most_cpus(self) -> float | None:
        """How many CPUs the server may use at a time, by either limit; None if neither is set."""
        known = [self.cpus, None if self.server_cpus is None else float(len(self.server_cpus))]
        return min((each for each in known if each is not None), default=None)

    @property
    def shared_cpus(self) -> float | None:
        """How many CPUs server and clients have together, None if one of them may use all."""
        if self.server_cpus is None or self.client_cpus is None:
            return None
        return float(len({*self.server_cpus, *self.client_cpus}))

    def placement(self) -> Iterator[str]:
        """Yield where the server and the clients run, as far as that is set."""
        for who, key in (("server", "cpuset"), ("clients", "client_cpuset")):
            if (cpus := getattr(self, key)) is not None:
                yield f"the {who} could run on CPU {cpus} only (limits.{key})"

    def unusable_cpus(self, usable: Collection[int]) -> Iterator[str]:
        """Yield which of its CPUs are not among the ``usable`` ones, a text for each key."""
        for key, cpus in (("cpuset", self.server_cpus), ("client_cpuset", self.client_cpus)):
            if missing := set(cpus or ()) - set(usable):
                numbers = "CPU" if len(missing) == 1 else "CPUs"
                yield (
                    f"limits.{key}: {numbers} {cpu_list_text(missing)} cannot be used here; "
                    f"those that can: {cpu_list_text(usable)}"
                )

    @property
    def memory_bytes(self) -> int | None:
        """The limit of memory in bytes, None if there is none."""
        return None if self.memory is None else round(parse_size_bytes(self.memory))

    @property
    def sysctl_values(self) -> dict[str, int]:
        """The settings of the kernel that the scenario sets, by name."""
        return {} if self.sysctls is None else self.sysctls.values


UNLIMITED = Limits()


class Target(Section):
    """A server of your own: an image, a command or an address; its name is used like a model's.

    ``port`` is the port on which the server of an image listens. ``confined``: an image is run
    like the lab's own, without root, capabilities and a writable root file system. ``remote``
    confirms that the machine of an ``address`` may be put under load although it is not this one.
    """

    name: Identifier = DEFAULT_TARGET_NAME
    image: Text | None = None
    command: Annotated[tuple[Text, ...], Field(strict=False)] | None = None
    address: Text | None = None
    port: Annotated[int, whole(1, 65535)] = DEFAULT_TARGET_PORT
    confined: bool = True
    remote: bool = False
    conformance: Annotated[str, one_of(FIRST, SKIP)] = FIRST

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port of ``address``, which was checked."""
        host, _, port = (self.address or "").rpartition(":")
        return host.strip("[]"), int(port)


def add_target_to_models(data: dict[str, Any]) -> None:
    """Append the target in ``data``, a scenario as written, to its models."""
    target = data.get("target")
    if not isinstance(target, dict):
        return
    name, models = target.get("name", DEFAULT_TARGET_NAME), data.get("models", [])
    if isinstance(name, str) and isinstance(models, list) and name not in models:
        data["models"] = [*models, name]


def target_violations(target: Target, known_models: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the rules that a target breaks: the key and the message."""
    kinds = [kind for kind in TARGET_KINDS if getattr(target, kind) is not None]
    if len(kinds) != 1:
        key = kinds[1] if kinds else "name"
        yield key, f"a target needs exactly one of {', '.join(TARGET_KINDS)}"
    if target.name in (*known_models, *RESERVED_NAMES):
        yield "name", f"{target.name} is a reserved name; give the target another name"
    if target.command == ():
        yield "command", "the list is empty; write the program and its arguments"
    if target.address is not None:
        yield from _address_violations(target)


def _address_violations(target: Target) -> Iterator[tuple[str, str]]:
    host, _, port = (target.address or "").rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port[:9]) < 1 << 16):
        yield "address", f"{target.address!r:.80} is not an address; write HOST:PORT"
    elif not target.remote and not _is_loopback(host.strip("[]")):
        hint = "write remote: true if you are allowed to put it under load"
        yield "address", f"{host} is not this machine; {hint}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
