"""What two campaigns ran on and with: every difference, and what it means for a comparison.

A comparison is about what is under test, so a change of that is expected. Two scenarios, or two
hosts, differ in their figures without any change of a server. What does not affect the figures much
is a note. Pure functions of `environment.json`, `scenario.yaml` and `summary.json`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Protocol

import yaml
from pydantic import ValidationError

from orchestrator.scenario.fields import MAX_LOAD, RUN_LOAD
from orchestrator.scenario.models import CLIENT_SOURCES, SERVER_SOURCES
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.versions import INTERPRETER

NOT_SET = "not set"

JUDGING = frozenset({
    "intent", "answer", "show", "expect", "guess", "compare", "source", "claims", "validity",
})  # fmt: skip
PLANNING = frozenset({
    "models", "matrix", "ignores", "repeats", "retries_of_invalid", "order", "timeout", "backend",
})  # fmt: skip
"""Keys of a scenario that do not change what one repeat of a case of one name measures."""


class Effect(StrEnum):
    """What a difference means for a comparison of figures."""

    CHANGE = "under test"  # expected: the comparison is about this
    SCENARIO = "other scenario"  # other figures are expected from the same server
    HOST = "other host"  # the same, because of what it ran on
    NOTE = "note"


@dataclass(frozen=True)
class Condition:
    """A difference between two campaigns, other than in what they measured.

    ``before`` and ``after`` are None if that campaign has not recorded it.
    """

    name: str
    before: str | None
    after: str | None
    effect: Effect

    @property
    def is_recorded(self) -> bool:
        """Whether both campaigns have recorded it."""
        return self.before is not None and self.after is not None


class _Case(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...


class Recorded(Protocol):
    """What the results of a campaign and of a capacity search have in common."""

    @property
    def scenario(self) -> str:
        """The name of the scenario."""

    @property
    def backend(self) -> str:
        """Docker or process."""

    @property
    def cases(self) -> Sequence[_Case]:
        """All cases."""


@dataclass(frozen=True)
class Circumstances:
    """What is recorded about how a campaign ran; ``scenario`` is None if that is not recorded."""

    summary: Recorded
    environment: Mapping[str, object]
    scenario: Mapping[str, object] | None = None

    @classmethod
    def of(
        cls, summary: Recorded, environment: Mapping[str, object], scenario: str
    ) -> "Circumstances":
        """Return them with the scenario that is the YAML text ``scenario``; none if it is empty.

        Raises:
            ValueError: it is no map of YAML.
        """
        try:
            data = yaml.safe_load(scenario) if scenario else None
        except yaml.YAMLError as exc:
            raise ValueError("it is not YAML") from exc
        if data is not None and not isinstance(data, Mapping):
            raise ValueError("it is no map")
        return cls(summary, environment, data)

    def value(self, path: str) -> object:
        """Return what the environment has at ``path``, such as ``backend/engine``, else None."""
        found: object = self.environment
        for key in path.split("/"):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


Pair = tuple[Circumstances, Circumstances]


def conditions(before: Circumstances, after: Circumstances) -> list[Condition]:
    """Return every recorded difference, and what only one of the two, or neither, has recorded.

    A campaign compared with itself has none.
    """
    if before == after:
        return []
    pair, order = (before, after), list(Effect)
    found = chain(_code(pair), _scenarios(pair), _hosts(pair))
    return sorted(found, key=lambda each: order.index(each.effect))


def obstacles(found: Sequence[Condition], accepted: Sequence[Effect] = ()) -> list[Condition]:
    """Return those of ``found`` that make a comparison untrustworthy and are not ``accepted``."""
    untrustworthy = {Effect.SCENARIO, Effect.HOST}.difference(accepted)
    return [each for each in found if each.effect in untrustworthy and each.is_recorded]


def _always(effect: Effect) -> Callable[[str, str], Effect]:
    return lambda _before, _after: effect


def _by_parts(parts: int) -> Callable[[str, str], Effect]:
    """Return the effect of two versions: another host if the first ``parts`` numbers differ."""

    def effect(before: str, after: str) -> Effect:
        one, other = (text.split(".")[:parts] for text in (before, after))
        return Effect.NOTE if one == other else Effect.HOST

    return effect


_CHANGE, _NOTE, _HOST = map(_always, (Effect.CHANGE, Effect.NOTE, Effect.HOST))
_ANYWHERE = {
    "CPU model": ("cpu_model", _HOST),
    "CPUs that the lab could use": ("cpus", _HOST),
    "CPUs of the machine": ("machine_cpus", _HOST),
    "machine": ("machine", _HOST),
    "kernel": ("kernel", _by_parts(2)),
    "memory": ("memory_bytes", _NOTE),
    "lab version": ("lab_version", _NOTE),
}
_MAY_BE_NULL = {"CPU quota": ("cpu_quota", _HOST), "CPU affinity": ("cpu_affinity", _NOTE)}
_IN_CONTAINERS = ("docker", "swarm")
_OF_ENGINE = {
    "Python of the orchestrator": ("python", _NOTE),
    "engine": ("backend/engine", _by_parts(1)),
    "CPUs of the engine": ("backend/cpus", _HOST),
    "control groups": ("backend/cgroup", _HOST),
    "storage driver": ("backend/storage", _NOTE),
    "system of the engine": ("backend/host", _NOTE),
    "Compose": ("backend/compose", _NOTE),
}
_OF_BACKEND = {
    "process": {"Python": ("backend/python", _by_parts(2))},
    "docker": _OF_ENGINE,
    "swarm": _OF_ENGINE,
}
"""By the name of a condition: where the environment has it, and what a difference means."""


def _hosts(pair: Pair) -> Iterator[Condition]:
    """Yield how what the two ran on differs; what only one backend has is not compared."""
    before, after = (each.summary.backend for each in pair)
    if before != after:
        yield Condition("backend", before, after, Effect.HOST)
    fields = _ANYWHERE | (_OF_BACKEND.get(before, {}) if before == after else {})
    for name, (path, effect) in fields.items():
        yield from _at(pair, path, name, effect)
    for name, (path, effect) in _MAY_BE_NULL.items():
        values = [each.value(path) or "none" for each in pair]
        if all(path in each.environment for each in pair):
            yield from _difference(name, values, effect)
    for package in _keys(pair, "packages"):
        yield from _at(pair, f"packages/{package}", f"package {package}", _NOTE)


def _at(
    pair: Pair, path: str, name: str, effect: Callable[[str, str], Effect]
) -> Iterator[Condition]:
    """Yield the condition ``name`` if what the environments have at ``path`` differs."""
    yield from _difference(name, [each.value(path) for each in pair], effect)


def _difference(
    name: str, values: Sequence[object], effect: Callable[[str, str], Effect]
) -> Iterator[Condition]:
    before, after = (_text(value, name) for value in values)
    if before is None or after is None:
        yield Condition(name, before, after, Effect.NOTE)
    elif before != after:
        yield Condition(name, before, after, effect(before, after))


def _text(value: object, name: str = "") -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "yes" if value else "no"
        case int() if name == "memory":  # of one machine it differs a little from boot to boot
            return f"{value / 2**30:.1f} GiB"
        case int() | float():
            return f"{value:.6g}"
    return json.dumps(value, default=str)


def _keys(pair: Pair, path: str) -> list[str]:
    """Return the keys of the maps that the environments have at ``path``, each once, in order."""
    maps = (each.value(path) for each in pair)
    keys = (str(key) for each in maps if isinstance(each, Mapping) for key in each)
    return list(dict.fromkeys(keys))


def _code(pair: Pair) -> Iterator[Condition]:
    """Yield how the programs differ: images, the code of servers and clients, the revision."""
    models = {case.model for each in pair for case in each.summary.cases}
    if all(each.summary.backend in _IN_CONTAINERS for each in pair):
        for image in _keys(pair, "backend/images"):
            effect = _CHANGE if image.partition(" on ")[0] in models else _NOTE
            yield from _at(pair, f"backend/images/{image}", f"image of {image}", effect)
    has_trees = all(isinstance(each.value("source_trees"), Mapping) for each in pair)
    for folder in (*SERVER_SOURCES, *CLIENT_SOURCES) if has_trees else ():
        effect = _CHANGE if folder in SERVER_SOURCES else _NOTE
        yield from _at(pair, f"source_trees/{folder}", f"code in {folder}/", effect)
    effect = _NOTE if has_trees else _CHANGE
    yield from _at(pair, "git_revision", "revision of the lab", effect)
    before, after = (_text(each.value("git_modified")) for each in pair)
    if "yes" in {before, after}:
        yield Condition("uncommitted changes", before, after, Effect.CHANGE)


def _scenarios(pair: Pair) -> Iterator[Condition]:
    """Yield how the scenarios differ, by content; by name if a content is not recorded."""
    recorded = [None if each.scenario is None else "recorded" for each in pair]
    if None in recorded:
        yield Condition("content of the scenario", recorded[0], recorded[1], Effect.NOTE)
    before, after = (each.summary.scenario for each in pair)
    if before != after:
        effect = Effect.SCENARIO if None in recorded else Effect.NOTE
        yield Condition("name of the scenario", before, after, effect)
    one, other = _alike(*(each.scenario for each in pair))
    for path, values in _changes(one, other):
        yield Condition(path, *values, _effect_of(path))


def _alike(*contents: Mapping[str, object] | None) -> list[Mapping[str, object]]:
    """Return the ``contents`` of two scenarios with defaults filled in, as given if that fails.

    A default that an older version of the lab has not written is no difference.
    """
    given = [each for each in contents if each is not None]
    if len(given) < len(contents):
        return [{}, {}]
    try:
        context = {"known_models": None, MAX_LOAD: RUN_LOAD}
        return [Scenario.model_validate(each, context=context).resolved() for each in given]
    except ValidationError:
        return given


def _changes(
    before: object, after: object, path: str = ""
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each value that differs, as text, by its path: ``clients.steady.demand``.

    A part that only one scenario has is one difference, and so is all that judges a run.
    """
    if before == after:
        return
    one, other = _parts(before), _parts(after)
    is_section = "." not in path and bool(one or other)
    if ((one and other) or is_section) and path not in JUDGING:
        for key in dict.fromkeys((*one, *other)):
            yield from _changes(one.get(key), other.get(key), f"{path}.{key}" if path else key)
    elif (shown := (_value(before), _value(after))) != (NOT_SET, NOT_SET):
        yield path, shown


def _parts(value: object) -> dict[str, object]:
    """Return the parts of a map, or of a list of maps by their names or places; else none."""
    if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
        named = {str(each.get("name", place)): each for place, each in enumerate(value, start=1)}
        is_unique = len(named) == len(value)
        return named if is_unique else {str(place): each for place, each in enumerate(value, 1)}
    return {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {}


def _value(value: object) -> str:
    return NOT_SET if value in (None, [], {}) else _text(value) or ""


def _effect_of(path: str) -> Effect:
    key = path.partition(".")[0]
    if key in ("target", INTERPRETER):
        return Effect.CHANGE
    return Effect.NOTE if key in JUDGING | PLANNING else Effect.SCENARIO
