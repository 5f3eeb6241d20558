"""Which models there are: the services of compose.yaml that carry the server label."""

from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVER_SOURCES, CLIENT_SOURCES = ("services", "labkit"), ("client",)
"""The folders whose code runs in a server, and those of the client that measures it."""
COMPOSE_FILE = ROOT / "compose.yaml"
LABEL, SERVER = "lab.role", "server"
TWIN, RELOAD = "lab.twin", "lab.reload"
IGNORES = "lab.ignores"


def discover_models(compose_file: Path = COMPOSE_FILE) -> list[str]:
    """Return the models in the file's order; Compose itself is not needed for it."""
    return [name for name, _ in _servers(compose_file)]


def discover_twins(compose_file: Path = COMPOSE_FILE) -> dict[str, str]:
    """Return the label ``lab.twin`` of each model that has one; see docs/twin.md."""
    return {name: labels[TWIN] for name, labels in _servers(compose_file) if TWIN in labels}


def discover_reloading(compose_file: Path = COMPOSE_FILE) -> list[str]:
    """Return the models with the label ``lab.reload``: a signal replaces their workers."""
    return [name for name, labels in _servers(compose_file) if RELOAD in labels]


def discover_ignored(compose_file: Path = COMPOSE_FILE) -> dict[str, list[str]]:
    """Return the keys of ``server`` that each model ignores, by its label ``lab.ignores``."""
    return {name: labels.get(IGNORES, "").split() for name, labels in _servers(compose_file)}


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
