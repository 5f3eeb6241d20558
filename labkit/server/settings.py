"""A server's configuration: read once from the environment, typed, frozen.

Every problem is reported with the name of its variable. The names are the same for a plain process
and in Compose. A model may have settings of its own: a `Choice` or a `Whole`, in its ``SETTINGS``.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from labkit.protocol.parsing import read_duration_s, read_positive_duration_s, read_whole
from labkit.protocol.session import Limits
from labkit.protocol.work import KINDS, Demand

TYPO_SIMILARITY = 0.87  # LAB_WORKER is a typo; LAB_TARGET, the client's, is not

MAX_WORKERS = 1024
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("trace", "connections", "lifecycle")


class SettingsError(ValueError):
    """One or more variables have no usable value; one line for each."""


class Settings(NamedTuple):
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
    own: Mapping[str, str | int] = MappingProxyType({})

    @classmethod
    def from_env(cls, environ: Mapping[str, str], own: Sequence["Own"] = ()) -> "Settings":
        """Read every ``LAB_…`` variable that is set and not empty; ``own`` are those of the model.

        Raises:
            SettingsError: with one line for each variable that is misspelt or has an invalid value.
                A typo that is ignored would make the measurement one of another load.
        """
        readers = _READERS | {each.name: each.read for each in own}
        names = {variable(name): name for name in readers}
        values: dict[str, object] = {}
        problems = _typos(environ, names)
        for each, name in names.items():
            if text := environ.get(each, ""):
                try:
                    values[name] = readers[name](text)
                except ValueError as exc:
                    problems.append(f"{each}: {exc}")
        if problems:
            raise SettingsError("\n".join(problems))
        of_own = {each.name: values.pop(each.name, each.default) for each in own}
        settings = cls(**values, own=of_own)  # type: ignore[arg-type]  # a reader has its field's type
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


class Choice(NamedTuple):
    """A setting of one model that is one of several words; the first is the default.

    Its text is that of the model's label ``lab.setting.NAME`` in compose.yaml: ``fcntl|semaphore``.
    """

    name: str
    choices: tuple[str, ...]

    def __str__(self) -> str:
        return "|".join(self.choices)

    @property
    def default(self) -> str:
        """The value if the variable is not set."""
        return self.choices[0]

    def read(self, text: str) -> str:
        """Return the value of the variable; raise `ValueError` if it is none of the choices."""
        return _choice(text, self.choices)

    def of(self, settings: Settings) -> str:
        """Return the value in ``settings``."""
        return str(settings.own[self.name])


class Whole(NamedTuple):
    """A setting of one model that is a whole number from ``low`` to ``high``.

    Its text is that of the model's label ``lab.setting.NAME`` in compose.yaml: ``1..1024=256``.
    ``is_workers``: it, and not ``workers``, is the number of workers; the label ``lab.workers``.
    """

    name: str
    default: int
    low: int
    high: int
    is_workers: bool = False

    def __str__(self) -> str:
        return f"{self.low}..{self.high}={self.default}"

    def read(self, text: str) -> int:
        """Return the value of the variable; raise `ValueError` if it is no number in the range."""
        return read_whole(text, low=self.low, high=self.high)

    def of(self, settings: Settings) -> int:
        """Return the value in ``settings``."""
        return int(settings.own[self.name])


Own: TypeAlias = Choice | Whole
"""A setting that only one model has, or a few."""


def variable(name: str) -> str:
    """Return the variable of a setting: ``LAB_IDLE_TIMEOUT`` of ``idle_timeout_s``."""
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
    "workers": partial(read_whole, low=1, high=MAX_WORKERS),
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
