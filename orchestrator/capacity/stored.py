"""Reads the stored result of a capacity search. Runs nothing."""

from pathlib import Path

from orchestrator.campaign.conditions import Circumstances
from orchestrator.campaign.restore import RestoreError, read_result
from orchestrator.results.capacity import CAPACITY, Capacity


def is_capacity(folder: Path) -> bool:
    """Return whether ``folder`` holds the result of a capacity search."""
    return (folder / CAPACITY).is_file()


def read_capacity(folder: Path) -> Capacity:
    """Return the stored result in ``folder``.

    Raises:
        RestoreError: it cannot be read, or another version of the lab wrote it.
    """
    return read_result(folder / CAPACITY, Capacity)


def circumstances_of(capacity: Capacity, folder: Path) -> Circumstances:
    """Return what is recorded about how the search in ``folder`` ran.

    Raises:
        RestoreError: its ``scenario.yaml`` is damaged.
    """
    path = folder / "scenario.yaml"
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return Circumstances.of(capacity, capacity.host, text)
    except (OSError, ValueError) as exc:
        raise RestoreError(f"{path} is damaged: {exc}") from exc
