"""The proxy's settings, read once from the environment; every problem names its variable."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from faultproxy.toxic_spec import ToxicSpec, read_toxic_specs
from labkit.protocol.parsing import MAX_SHOWN, read_whole
from labkit.wire.secret import read_secret


class SettingsError(ValueError):
    """One or more variables are invalid; one line for each."""


@dataclass(frozen=True)
class Settings:
    """Where to listen, the target, and the toxics at the start.

    Port 0 is any free port. ``seed`` determines all random choices: with the same seed a toxic
    affects the same connections. Control obeys those that know ``secret``, nobody if it is empty.
    """

    target: tuple[str, int]
    host: str = "127.0.0.1"
    port: int = 3200
    control_port: int = 3201
    seed: int = 1
    toxics: tuple[ToxicSpec, ...] = ()
    secret: str = field(default="", repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every ``LAB_PROXY_…`` variable that is set and not empty.

        Raises:
            SettingsError: lists each variable that is invalid, unknown or missing.
        """
        given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and text}
        problems = [f"{name}: no such variable" for name in sorted(set(given) - set(_READERS))]
        values: dict[str, object] = {"secret": read_secret(environ)}
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


def _read_toxics(text: str) -> tuple[ToxicSpec, ...]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:  # RecursionError: nested too deeply
        raise ValueError(f"{text[:MAX_SHOWN]!r} is not JSON") from exc
    return read_toxic_specs(value)


_READERS: dict[str, Callable[[str], object]] = {
    f"{PREFIX}TARGET": _read_target,
    f"{PREFIX}HOST": str,
    f"{PREFIX}PORT": partial(read_whole, low=0, high=65_535),
    f"{PREFIX}CONTROL_PORT": partial(read_whole, low=0, high=65_535),
    f"{PREFIX}SEED": partial(read_whole, low=0, high=(1 << 53) - 1),
    f"{PREFIX}TOXICS": _read_toxics,
}
