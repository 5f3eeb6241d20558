"""Which models there are: the services of compose.yaml that carry the server label.

What else the lab knows of a model, it reads from the other labels of its service.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from labkit.server.settings import Choice, Own, Whole

ROOT = Path(__file__).resolve().parents[2]
SERVER_SOURCES, CLIENT_SOURCES = ("services", "labkit"), ("client",)
"""The folders whose code runs in a server, and those of the client that measures it."""
COMPOSE_FILE = ROOT / "compose.yaml"
LABEL, SERVER = "lab.role", "server"
TWIN, RELOAD, GROUP, CLASSIC = "lab.twin", "lab.reload", "lab.group", "lab.classic"
IGNORES, SETTING, WORKERS = "lab.ignores", "lab.setting.", "lab.workers"


@dataclass(frozen=True)
class Model:
    """What the labels of a model's service say.

    ``twin`` is its queueing twin, None without one (docs/twin.md). ``ignores`` are the keys of
    ``server`` that change nothing. ``settings`` are those that only some models have, by name.
    ``workers`` is the setting that says how many workers there may be. ``reloads``: a signal
    replaces its workers. ``is_classic``: it is run by a scenario that names no models.
    """

    name: str
    twin: str | None
    group: str
    ignores: tuple[str, ...]
    settings: Mapping[str, Own]
    workers: str
    reloads: bool
    is_classic: bool

    @classmethod
    def of(cls, name: str, labels: Mapping[str, str]) -> "Model":
        """Return the model ``name`` whose service has ``labels``."""
        return cls(
            name,
            labels.get(TWIN),
            labels.get(GROUP, ""),
            tuple(labels.get(IGNORES, "").split()),
            {own.name: own for own in _settings(labels)},
            labels.get(WORKERS, "workers"),
            RELOAD in labels,
            CLASSIC in labels,
        )


def read_models(compose_file: Path = COMPOSE_FILE) -> dict[str, Model]:
    """Return the models by name, in the file's order; Compose itself is not needed for it."""
    return _read(compose_file, compose_file.stat().st_mtime_ns)


@cache
def _read(compose_file: Path, _changed_ns: int) -> dict[str, Model]:
    return {name: Model.of(name, labels) for name, labels in _servers(compose_file)}


def discover_models(compose_file: Path = COMPOSE_FILE) -> list[str]:
    """Return the names of the models in the file's order."""
    return [*read_models(compose_file)]


def discover_classic(compose_file: Path = COMPOSE_FILE) -> list[str]:
    """Return the models that a scenario runs if it names none."""
    return [name for name, model in read_models(compose_file).items() if model.is_classic]


def discover_twins(compose_file: Path = COMPOSE_FILE) -> dict[str, str]:
    """Return the label ``lab.twin`` of each model that has one; see docs/twin.md."""
    models = read_models(compose_file).items()
    return {name: model.twin for name, model in models if model.twin is not None}


def discover_reloading(compose_file: Path = COMPOSE_FILE) -> list[str]:
    """Return the models with the label ``lab.reload``: a signal replaces their workers."""
    return [name for name, model in read_models(compose_file).items() if model.reloads]


def discover_ignored(compose_file: Path = COMPOSE_FILE) -> dict[str, list[str]]:
    """Return the keys of ``server`` that each model ignores: by its label, and those of others."""
    models, every = read_models(compose_file), own_settings(compose_file)
    return {
        name: [*model.ignores, *(key for key in every if key not in model.settings)]
        for name, model in models.items()
    }


def own_settings(compose_file: Path = COMPOSE_FILE) -> dict[str, Own]:
    """Return the settings that only some models have, by name."""
    models = read_models(compose_file).values()
    return {name: own for model in models for name, own in model.settings.items()}


def _settings(labels: Mapping[str, str]) -> Iterator[Own]:
    """Yield the settings that ``labels`` declare: ``fcntl|semaphore`` or ``1..1024=256``."""
    for label, text in labels.items():
        if label.startswith(SETTING):
            name = label.removeprefix(SETTING)
            bounds, is_number, default = text.partition("=")
            if not is_number:
                yield Choice(name, tuple(text.split("|")))
                continue
            low, _, high = bounds.partition("..")
            is_workers = name == labels.get(WORKERS)
            yield Whole(name, int(default), int(low), int(high), is_workers)


def _servers(compose_file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each model with its labels."""
    services = yaml.safe_load(compose_file.read_text(encoding="utf-8"))["services"]
    for name, service in services.items():
        labels = _labels(service)
        if labels.get(LABEL) == SERVER:
            yield name, labels


def _labels(service: dict[str, object]) -> dict[str, str]:
    """Return the service's labels; Compose takes them as a map or as a list."""
    labels = service.get("labels") or {}
    if isinstance(labels, list):
        return dict(label.partition("=")[::2] for label in labels)
    return labels if isinstance(labels, dict) else {}
