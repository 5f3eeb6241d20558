"""The proxy's configuration: read once from the environment; every problem names its variable."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from faultproxy.prescription import Prescribed, read_prescription
from labkit.protocol.parsing import MAX_SHOWN, read_whole


class SettingsError(ValueError):
    """One or more variables have no usable value; one line for each."""


@dataclass(frozen=True)
class Settings:
    """Where to listen, to whom to pass on, and with which toxics to begin.

    Port 0 is any free one. ``seed`` decides what chance decides: the same seed spares the same
    connections.
    """

    target: tuple[str, int]
    host: str = "127.0.0.1"
    port: int = 3200
    control_port: int = 3201
    seed: int = 1
    toxics: tuple[Prescribed, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every ``LAB_PROXY_…`` variable that is set and not empty.

        Raises:
            SettingsError: naming each that is wrong, unknown or missing.
        """
        given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and text}
        problems = [f"{name}: no such variable" for name in sorted(set(given) - set(_READERS))]
        values: dict[str, object] = {}
        for variable, read in _READERS.items():
            if variable in given:
                try:
                    values[variable.removeprefix(PREFIX).lower()] = read(given[variable])
                except ValueError as exc:
                    problems += [f"{variable}: {line}" for line in str(exc).splitlines()]
        if f"{PREFIX}TARGET" not in given:
            problems.append(f"{PREFIX}TARGET: missing; write HOST:PORT of the server")
        if problems:
            raise SettingsError("\n".join(problems))
        return cls(**values)  # type: ignore[arg-type]  # each reader returns its field's type


PREFIX = "LAB_PROXY_"


def _read_target(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host:
        raise ValueError(f"{text[:MAX_SHOWN]!r} is not HOST:PORT")
    return host.strip("[]"), read_whole(port, 1, 65_535)


def _read_toxics(text: str) -> tuple[Prescribed, ...]:
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError) as exc:  # the latter where it is nested too deep
        raise ValueError(f"{text[:MAX_SHOWN]!r} is not JSON") from exc
    return read_prescription(asked)


_READERS: dict[str, Callable[[str], object]] = {
    f"{PREFIX}TARGET": _read_target,
    f"{PREFIX}HOST": str,
    f"{PREFIX}PORT": partial(read_whole, low=0, high=65_535),
    f"{PREFIX}CONTROL_PORT": partial(read_whole, low=0, high=65_535),
    f"{PREFIX}SEED": partial(read_whole, low=0, high=(1 << 53) - 1),
    f"{PREFIX}TOXICS": _read_toxics,
}
