"""A server's configuration: read once from the environment, typed, frozen.

Every problem is reported with the name of its variable. The names are the same for a plain process
and in Compose.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial

from labkit.protocol.parsing import read_duration_s, read_positive_duration_s, read_whole
from labkit.protocol.session import Limits
from labkit.protocol.work import KINDS, Demand

TYPO_SIMILARITY = 0.87  # LAB_WORKER is a typo; LAB_TARGET, the client's, is not

LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("trace", "connections", "lifecycle")


class SettingsError(ValueError):
    """One or more variables have no usable value; one line for each."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the environment may set. Durations are in seconds; a time-out of None is off."""

    host: str = "0.0.0.0"  # noqa: S104 a container must be reached from outside
    port: int = 3000
    backlog: int = 128
    workers: int = 5
    work: str = "sleep"
    service_time_s: float = 2.0
    max_message_bytes: int = 4096
    max_service_time_s: float = 60.0
    idle_timeout_s: float | None = None
    drain_timeout_s: float = 10.0
    blocking_sleep: bool = False
    log_format: str = "text"
    log_level: str = "trace"
    ready_file: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every ``LAB_…`` variable that is set and not empty.

        Raises:
            SettingsError: with one line for each variable that is misspelt or has an invalid value.
                A typo that is ignored would make the measurement one of another load.
        """
        values: dict[str, object] = {}
        names = {
            "LAB_" + field.name.removesuffix("_s").upper(): field.name for field in fields(cls)
        }
        problems = _typos(environ, names)
        for variable, name in names.items():
            if text := environ.get(variable, ""):
                try:
                    values[name] = _READERS[name](text)
                except ValueError as exc:
                    problems.append(f"{variable}: {exc}")
        if problems:
            raise SettingsError("\n".join(problems))
        settings = cls(**values)  # type: ignore[arg-type]  # each reader returns its field's type
        settings._check_default_demand()
        return settings

    def _check_default_demand(self) -> None:
        if self.service_time_s > self.max_service_time_s:
            raise SettingsError(
                f"LAB_SERVICE_TIME: {self.service_time_s:g}s is over "
                f"LAB_MAX_SERVICE_TIME, {self.max_service_time_s:g}s"
            )

    @property
    def limits(self) -> Limits:
        """The default demand of a message, and the limits that a session enforces."""
        demand = Demand(self.work, self.service_time_s)
        return Limits(demand, self.max_message_bytes, self.max_service_time_s)


def _variable(name: str) -> str:
    return "LAB_" + name.removesuffix("_s").upper()


def _typos(environ: Mapping[str, str], known: Mapping[str, str]) -> list[str]:
    unknown = sorted(name for name in environ if name.startswith("LAB_") and name not in known)
    return [
        f"{name}: no such variable; did you mean {similar[0]}?"
        for name in unknown
        if (similar := difflib.get_close_matches(name, known, 1, TYPO_SIMILARITY))
    ]


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise ValueError(f"{text[:80]!r} is not one of: {', '.join(choices)}")
    return text


def _optional_duration(text: str) -> float | None:
    return None if text == "off" else read_positive_duration_s(text)


_READERS: dict[str, Callable[[str], object]] = {
    "host": str,
    "port": partial(read_whole, low=0, high=65_535),
    "backlog": partial(read_whole, low=1, high=65_535),
    "workers": partial(read_whole, low=1, high=1024),
    "work": partial(_choice, choices=KINDS),
    "service_time_s": read_duration_s,
    "max_message_bytes": partial(read_whole, low=16, high=1 << 20),
    "max_service_time_s": read_duration_s,
    "idle_timeout_s": _optional_duration,
    "drain_timeout_s": read_positive_duration_s,
    "blocking_sleep": lambda text: _choice(text, ("0", "1")) == "1",
    "log_format": partial(_choice, choices=LOG_FORMATS),
    "log_level": partial(_choice, choices=LOG_LEVELS),
    "ready_file": str,
}
