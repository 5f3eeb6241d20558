"""A script in place of the ``docker`` command."""

import os
from pathlib import Path

import pytest


def put_on_path(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let ``docker`` be ``script``; return the file in which it writes how it was called."""
    command = folder / "docker"
    command.write_text(script)
    command.chmod(0o755)
    monkeypatch.setenv("CALLS", str(folder / "calls"))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "calls"
