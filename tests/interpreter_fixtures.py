"""The interpreters that tests need and CI cannot afford to build."""

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.process.interpreters import executable_of


def need_interpreter(interpreter: str | None) -> None:
    """Skip the test if processes cannot run on ``interpreter``; the reason says how to build it."""
    try:
        executable_of(interpreter)
    except BackendError as exc:
        pytest.skip(str(exc))
