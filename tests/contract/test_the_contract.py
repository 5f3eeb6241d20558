"""Does the contract notice? Each known-wrong server must be rejected by the test it names."""

import importlib
import inspect
from collections.abc import Iterator

import pytest

from tests.harness import Starter, starting
from tests.models import ROOT

BROKEN = sorted(path.stem for path in (ROOT / "tests/broken_servers").glob("*.py"))
SHORT_DEADLINE_S = 3.0  # what hangs is rejected by the deadline


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest) -> Iterator[Starter]:
    with starting(f"tests.broken_servers.{request.param}", SHORT_DEADLINE_S) as starter:
        yield starter


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a test that fails leaves its sockets
def test_a_broken_server_is_rejected(broken: Starter) -> None:
    """By the test it names and for the reason it gives: a server that is never up fails any."""
    program = importlib.import_module(broken.program)
    module, _, name = program.REJECTED_BY.partition(".")
    test = getattr(importlib.import_module(f"tests.contract.{module}"), name)
    arguments: dict[str, object] = dict(getattr(program, "ARGUMENTS", {}))
    for parameter in inspect.signature(test).parameters:
        if parameter in ("server", "target"):
            arguments[parameter] = broken()
        elif parameter == "start":
            arguments[parameter] = broken
    with pytest.raises((AssertionError, OSError), match=program.BECAUSE):
        test(**arguments)
