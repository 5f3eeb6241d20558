"""The contract of docs/protocol.md as tests, for the lab's servers and for any other.

`contract` has the tests, `broken_servers` a gallery of servers with one defect each, which the
contract must reject. ``python -m conformance`` runs the contract on one server.
"""

import importlib
from pathlib import Path

from labkit.server.settings import Choice, Own

ROOT = Path(__file__).resolve().parents[1]


def discover_models() -> list[str]:
    """Return the name of each model, which is that of its folder in ``services/``."""
    return sorted(path.parent.name for path in ROOT.glob("services/*/server.py"))


def own_settings(model: str) -> tuple[Own, ...]:
    """Return the settings that only this model has, or a few: ``SETTINGS`` of its server."""
    return settings_of(f"services.{model}.server")


def settings_of(program: str) -> tuple[Own, ...]:
    """Return the settings that the module ``program`` declares in ``SETTINGS``."""
    settings: tuple[Own, ...] = getattr(importlib.import_module(program), "SETTINGS", ())
    return settings


def variants_of(model: str) -> list[str]:
    """Return ``model``, and it with each other choice of its own: ``it+accept_lock=semaphore``."""
    choices = [own for own in own_settings(model) if isinstance(own, Choice)]
    return [model] + [f"{model}+{own.name}={word}" for own in choices for word in own.choices[1:]]


def discover_variants() -> list[str]:
    """Return the variants of every model."""
    return [variant for model in discover_models() for variant in variants_of(model)]
