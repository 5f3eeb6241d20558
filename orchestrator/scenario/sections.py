"""What all sections of a scenario have in common, and the settings of the server.

Configured values only, as written; an absent server setting is the server's own default.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from labkit.protocol.parsing import parse_duration_s
from labkit.server.settings import Settings
from orchestrator.scenario.values import (
    Flag,
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
