"""Which models there are, found by folder."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def discover_models() -> list[str]:
    """Return the name of every model."""
    return sorted(path.parent.name for path in ROOT.glob("services/*/server.py"))
