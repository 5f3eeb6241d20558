"""Tests marked `docker` or `browser` run where there is one; elsewhere they are skipped aloud."""

import gc
import os
import warnings
from functools import cache

import pytest

from orchestrator.execution.docker.engine import Engine, find_engine
from tests.browser import find_browser

pytest.register_assert_rewrite("tests.harness", "tests.target")  # their asserts explain, too

HINT = "to have an engine: make engine base-image"
BROWSER_HINT = "to have one: make browser"


@cache
def found_engine() -> tuple[Engine | None, str]:
    """Return what `find_engine` does, without the socket that the SDK leaves where none answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        found = find_engine()
        gc.collect()
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a command line choose what is tried, and for how long."""
    group = parser.getgroup("server models lab")
    group.addoption("--target", metavar="HOST:PORT", help="try the contract on a server that is up")
    group.addoption("--model", help="try the contract on this model alone")
    group.addoption("--long", action="store_true", help="endure for minutes, not for seconds")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test without what it needs, or fail it where LAB_REQUIRE_… asks for that."""
    if item.get_closest_marker("docker") is not None:
        engine, how = found_engine()
        if engine is None:
            _do_without("LAB_REQUIRE_DOCKER", f"{how}; {HINT}")
    if item.get_closest_marker("browser") is not None and find_browser() is None:
        _do_without("LAB_REQUIRE_BROWSER", f"no Chromium is installed; {BROWSER_HINT}")


def _do_without(requirement: str, lack: str) -> None:
    if os.environ.get(requirement, "0") not in {"", "0"}:
        pytest.fail(f"{requirement} is set, but {lack}", pytrace=False)
    pytest.skip(lack)


@pytest.fixture(scope="session")
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether to endure for minutes, as `make endure` does, or for seconds, as every test run."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return the engine that answered, to a test marked `docker`."""
    engine, how = found_engine()
    assert engine is not None, how
    return engine
