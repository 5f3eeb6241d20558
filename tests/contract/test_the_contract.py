"""Does the contract notice? Each known-wrong server must be rejected by the test it names."""

import importlib
import inspect
from collections.abc import Iterator

import pytest

from tests.harness import ROOT, Starter, starting

BROKEN = sorted(path.stem for path in (ROOT / "tests/broken_servers").glob("*.py"))
SHORT_DEADLINE_S = 3.0  # what hangs is rejected by the deadline


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest) -> Iterator[Starter]:
    with starting(f"tests.broken_servers.{request.param}", SHORT_DEADLINE_S) as starter:
        yield starter


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a test that fails leaves its sockets
def test_a_broken_server_is_rejected(broken: Starter) -> None:
    module, _, name = importlib.import_module(broken.program).REJECTED_BY.partition(".")
    test = getattr(importlib.import_module(f"tests.contract.{module}"), name)
    wants_server = "server" in inspect.signature(test).parameters
    argument = {"server": broken()} if wants_server else {"start": broken}
    with pytest.raises((AssertionError, OSError)):
        test(**argument)
