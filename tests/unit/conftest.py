"""Fixtures of unit tests: scenario files with their problems, and an address that refuses."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.yaml_document import ScenarioError

MODELS = ("single", "prefork", "threaded", "epoll")
Load = Callable[[str | bytes], Scenario]
Problems = Callable[[str | bytes], list[str]]


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Load a scenario from its text; one file serves all, so that generated tests stay fast."""
    path = tmp_path_factory.mktemp("scenario") / "s.yaml"

    def load(content: str | bytes) -> Scenario:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_scenario(path, MODELS)

    return load


@pytest.fixture(scope="session")
def problems(load: Load) -> Problems:
    """Return the lines that a bad scenario is answered with, ``line:column: message``."""

    def problems(content: str | bytes) -> list[str]:
        with pytest.raises(ScenarioError) as refusal:
            load(content)
        return [str(each).removeprefix(f"{each.file}:") for each in refusal.value.problems]

    return problems


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    """Return where a test may write a scenario file of its own."""
    return tmp_path / "s.yaml"


@pytest.fixture
def refusing_address() -> Iterator[tuple[str, int]]:
    """Return an address that refuses connections: bound, so that no other test gets it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()
