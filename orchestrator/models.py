"""Which models there are: the services of compose.yaml that carry the server label."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
LABEL, SERVER = "lab.role", "server"


def discover_models(compose_file: Path = ROOT / "compose.yaml") -> list[str]:
    """Return the models in the file's order; Compose itself is not needed for it."""
    services = yaml.safe_load(compose_file.read_text(encoding="utf-8"))["services"]
    return [name for name, service in services.items() if _label(service) == SERVER]


def _label(service: dict[str, object]) -> str | None:
    """Return the service's role; Compose takes labels as a map or as a list."""
    labels = service.get("labels") or {}
    if isinstance(labels, list):
        labels = dict(label.partition("=")[::2] for label in labels)
    return labels.get(LABEL) if isinstance(labels, dict) else None
