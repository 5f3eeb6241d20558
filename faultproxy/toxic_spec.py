"""Toxics as JSON, in toxiproxy's format except that durations have units; reports every problem.

``[{"type": "latency", "stream": "upstream", "toxicity": 0.5, "attributes": {"latency": "50ms"}}]``
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faultproxy.attributes import Attribute, shown
from faultproxy.toxics import TOXICS, Toxic
from labkit.workload.distributions import Draws

UPSTREAM, DOWNSTREAM = "upstream", "downstream"  # to the server, to the client
STREAMS = (UPSTREAM, DOWNSTREAM)
KEYS = {"name", "type", "stream", "toxicity", "attributes"}


class ToxicSpecError(ValueError):
    """The list of toxics is invalid; one line for each problem."""


@dataclass(frozen=True)
class ToxicSpec:
    """A toxic, its direction, and the share of connections that it affects, from 0 to 1.

    ``written`` is the entry from which it was read, for the log.
    """

    name: str
    kind: str
    stream: str
    toxicity: float
    values: Mapping[str, Any] = field(hash=False)
    written: Mapping[str, Any] = field(hash=False, compare=False, default_factory=dict)

    def start(self, seed: int, connection: int, now_ns: int) -> Toxic | None:
        """Return a toxic for ``connection``, or None if the draw leaves this connection out."""
        draws = Draws(seed, self.name, "toxic")
        numbers = (draws.pair(connection, number)[0] for number in itertools.count())
        if next(numbers) > self.toxicity:
            return None
        return TOXICS[self.kind](self.values, now_ns, numbers.__next__)


def read_toxic_specs(value: object) -> tuple[ToxicSpec, ...]:
    """Return the toxics in ``value``, in the order in which bytes pass them.

    Raises:
        ToxicSpecError: lists each problem, and what is allowed.
    """
    if not isinstance(value, list):
        raise ToxicSpecError(f"{shown(value)} is not a list of toxics")
    problems: list[str] = []
    read = [_read_toxic(entry, f"toxic {at}", problems) for at, entry in enumerate(value, 1)]
    names = [toxic.name for toxic in read if toxic]
    problems += [
        f"two toxics have the name {name!r}" for name in sorted(set(names)) if names.count(name) > 1
    ]
    if problems:
        raise ToxicSpecError("\n".join(problems))
    return tuple(toxic for toxic in read if toxic)


def _read_toxic(entry: object, where: str, problems: list[str]) -> ToxicSpec | None:
    if not isinstance(entry, dict):
        problems.append(f"{where}: {shown(entry)} is not a map with a type")
        return None
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in TOXICS:
        problems.append(f"{where}: type: {shown(kind)} is none of: {', '.join(TOXICS)}")
        return None
    stream, toxicity = entry.get("stream", DOWNSTREAM), entry.get("toxicity", 1)
    name = entry.get("name", f"{kind}_{stream}")
    found = [f"{key}: no such key" for key in sorted(set(map(str, entry)) - KEYS)]
    found += _common_problems(name, stream, toxicity)
    values: dict[str, Any] = {}
    found += _read_attributes(TOXICS[kind].attributes, entry.get("attributes", {}), values)
    problems += [f"{where} ({kind}): {problem}" for problem in found]
    return None if found else ToxicSpec(name, kind, stream, float(toxicity), values, entry)


def _common_problems(name: object, stream: object, toxicity: object) -> Iterator[str]:
    if not isinstance(name, str) or not name:
        yield f"name: {shown(name)} is not a text"
    if stream not in STREAMS:
        yield f"stream: {shown(stream)} is none of: {', '.join(STREAMS)}"
    is_number = isinstance(toxicity, int | float) and not isinstance(toxicity, bool)
    if not is_number or not 0 <= toxicity <= 1:  # type: ignore[operator]
        yield f"toxicity: {shown(toxicity)} is not a share from 0 to 1"


def _read_attributes(
    known: Mapping[str, Attribute], given: object, values: dict[str, Any]
) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f"attributes: {shown(given)} is not a map"
        return
    for key in sorted(set(map(str, given)) - set(known)):
        yield f"attributes: {key}: no such attribute; there is: {', '.join(known)}"
    for key, attribute in known.items():
        value = given.get(key, attribute.default)
        if value is None:
            yield f"attributes: {key} is missing"
            continue
        try:
            values[key] = attribute.read(value)
        except ValueError as exc:
            yield f"attributes: {key}: {exc}"
