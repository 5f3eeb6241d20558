"""The server to test: a process of each model, of one model, or a server at an address.

A test that takes `target` needs only an address. A test that takes `server` or `start` needs the
process: its settings, signals, log, memory or CPU time.
"""

from collections.abc import Iterator

import pytest

from conformance import discover_models, own_settings, variants_of
from conformance.server_process import RunningServer, Starter, starting_variant
from conformance.target import RemoteTarget, Target
from labkit.server.settings import Own

NEEDS_THE_PROCESS = "needs the server's process, not only its address"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on each variant of every model, or on the server of the command line."""
    if "subject" not in metafunc.fixturenames:
        return
    address, model = (metafunc.config.getoption(name) for name in ("--target", "--model"))
    models = [model] if model else discover_models()
    subjects = [address] if address else [each for name in models for each in variants_of(name)]
    metafunc.parametrize("subject", subjects, scope="session")


@pytest.fixture
def start(request: pytest.FixtureRequest, subject: str) -> Iterator[Starter]:
    """Return a function that starts servers of the model."""
    if request.config.getoption("--target"):
        pytest.skip(NEEDS_THE_PROCESS)
    with starting_variant(subject) as starter:
        yield starter


@pytest.fixture
def own(request: pytest.FixtureRequest, subject: str) -> tuple[Own, ...]:
    """Return the settings that only this model has, or a few."""
    if request.config.getoption("--target"):
        pytest.skip(NEEDS_THE_PROCESS)
    return own_settings(subject.partition("+")[0])


@pytest.fixture
def server(start: Starter) -> RunningServer:
    """Return a running server of the model, with the default settings of `server_process`."""
    return start()


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest, subject: str) -> Iterator[Target]:
    """Return the server at the address on the command line, or else a process of the model.

    The tests of a file share it, as they share a server that was started elsewhere.
    """
    if request.config.getoption("--target"):
        host, _, port = subject.rpartition(":")
        yield RemoteTarget(host.strip("[]"), int(port))
        return
    with starting_variant(subject) as starter:
        yield starter()
