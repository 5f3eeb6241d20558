"""The place of a campaign or a capacity search: which backend, and the command in the results."""

import pytest

from orchestrator.cli import place
from orchestrator.cli.place import choose_backend
from orchestrator.execution.backend import BackendError
from orchestrator.execution.process.backend import ProcessBackend

NO_ENGINE = "no Docker engine answers"


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "find_engine", lambda: (None, NO_ENGINE))


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("process", "as requested"),
        ("auto", f"{NO_ENGINE}; plain local processes instead of containers"),
    ],
)
def test_without_an_engine_runs_are_local_processes(choice: str, reason: str) -> None:
    backend, why = choose_backend(choice, "0badcafe", keep=False)
    assert isinstance(backend, ProcessBackend)
    assert why == reason


@pytest.mark.parametrize(
    ("choice", "keep", "message"),
    [
        ("docker", False, "make engine base-image.*--backend process"),
        ("auto", True, "no Docker engine answers; start one"),
        ("process", True, "--keep keeps containers running, and --backend process has none"),
    ],
)
def test_what_needs_containers_fails_without_them(choice: str, keep: bool, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        choose_backend(choice, "0badcafe", keep=keep)
