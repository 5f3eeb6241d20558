"""Tests marked `docker` run where an engine answers; elsewhere they are skipped, never silently."""

import gc
import os
import warnings
from functools import cache

import pytest

from orchestrator.engine import Engine, find_engine

pytest.register_assert_rewrite("tests.harness", "tests.target")  # their asserts explain, too

HINT = "to have an engine: make engine base-image"


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
    """Skip a Docker test without an engine, or fail it where LAB_REQUIRE_DOCKER=1."""
    if item.get_closest_marker("docker") is None:
        return
    engine, how = found_engine()
    if engine is not None:
        return
    if os.environ.get("LAB_REQUIRE_DOCKER", "0") not in {"", "0"}:
        pytest.fail(f"LAB_REQUIRE_DOCKER is set, but {how}; {HINT}", pytrace=False)
    pytest.skip(f"{how}; {HINT}")


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
