"""Reads the stored result of a reproduction of claims. Runs nothing."""

from pathlib import Path

from pydantic import ValidationError

from orchestrator.campaign.restore import RestoreError
from orchestrator.results.reproduction import REPRODUCTION, Reproduction


def is_reproduction(folder: Path) -> bool:
    """Return whether ``folder`` holds the result of a reproduction."""
    return (folder / REPRODUCTION).is_file()


def read_reproduction(folder: Path) -> Reproduction:
    """Return the stored result in ``folder``.

    Raises:
        RestoreError: it cannot be read, or another version of the lab wrote it.
    """
    path = folder / REPRODUCTION
    try:
        return Reproduction.model_validate_json(path.read_bytes())
    except ValidationError as exc:
        raise RestoreError(f"{path} was written by an incompatible version") from exc
    except OSError as exc:
        raise RestoreError(f"{path} cannot be read: {exc.strerror}") from exc
