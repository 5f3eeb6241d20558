"""What the contract is tried on: a process of each model, one model, or an address.

A test that takes `target` needs an address alone. One that takes `server` or `start` needs the
process: its settings, signals, log, memory or CPU time.
"""

from collections.abc import Iterator

import pytest

from tests.harness import RunningServer, Starter, starting
from tests.models import discover_models
from tests.target import RemoteTarget, Target

NEEDS_THE_PROCESS = "needs the server's process, not its address alone"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try each model in turn, or what the command line names."""
    if "subject" not in metafunc.fixturenames:
        return
    address, model = (metafunc.config.getoption(name) for name in ("--target", "--model"))
    subjects = [address or model] if address or model else discover_models()
    metafunc.parametrize("subject", subjects, scope="session")


@pytest.fixture
def start(request: pytest.FixtureRequest, subject: str) -> Iterator[Starter]:
    """Start servers of each model in turn."""
    if request.config.getoption("--target"):
        pytest.skip(NEEDS_THE_PROCESS)
    with starting(f"services.{subject}.server") as starter:
        yield starter


@pytest.fixture
def server(start: Starter) -> RunningServer:
    """Start a server of each model in turn, with the harness's settings."""
    return start()


@pytest.fixture
def target(request: pytest.FixtureRequest, subject: str) -> Target:
    """Give the server at the address on the command line, or else a process of each model."""
    if request.config.getoption("--target"):
        host, _, port = subject.rpartition(":")
        return RemoteTarget(host.strip("[]"), int(port))
    server: RunningServer = request.getfixturevalue("server")
    return server
