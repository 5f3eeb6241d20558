"""Each broken server must be rejected by the contract test that it names."""

import importlib
import inspect
from collections.abc import Iterator

import pytest

from conformance import ROOT
from conformance.server_process import Starter, starting

BROKEN = sorted(path.stem for path in (ROOT / "conformance/broken_servers").glob("[!_]*.py"))
SHORT_DEADLINE_S = 3.0  # a server that hangs is rejected by the deadline


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest) -> Iterator[Starter]:
    with starting(f"conformance.broken_servers.{request.param}", SHORT_DEADLINE_S) as starter:
        yield starter


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a failed test leaves its sockets open
def test_a_broken_server_is_rejected(broken: Starter) -> None:
    """Also for the reason that it names, because a server that does not start fails every test."""
    program = importlib.import_module(broken.program)
    module, _, name = program.REJECTED_BY.partition(".")
    test = getattr(importlib.import_module(f"conformance.contract.{module}"), name)
    arguments: dict[str, object] = dict(getattr(program, "ARGUMENTS", {}))
    for parameter in inspect.signature(test).parameters:
        if parameter in ("server", "target"):
            arguments[parameter] = broken()
        elif parameter == "start":
            arguments[parameter] = broken
    with pytest.raises((AssertionError, OSError), match=program.BECAUSE):
        test(**arguments)
