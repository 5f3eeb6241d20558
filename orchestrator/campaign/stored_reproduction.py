"""Reads the stored result of a reproduction of claims. Runs nothing."""

from pathlib import Path

from orchestrator.campaign.restore import read_result
from orchestrator.results.reproduction import REPRODUCTION, Reproduction


def is_reproduction(folder: Path) -> bool:
    """Return whether ``folder`` holds the result of a reproduction."""
    return (folder / REPRODUCTION).is_file()


def read_reproduction(folder: Path) -> Reproduction:
    """Return the stored result in ``folder``.

    Raises:
        RestoreError: it cannot be read, or another version of the lab wrote it.
    """
    return read_result(folder / REPRODUCTION, Reproduction)
