"""Tests marked `docker` or `browser` are skipped, with a reason, if there is none."""

import gc
import os
import time
import warnings
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import Engine, find_engine
from tests.browser_fixtures import find_browser
from tests.requirement_fixtures import do_without

# Before anything imports them: their assertions are explained, too.
pytest.register_assert_rewrite("conformance.server_process", "conformance.target")

# A busy host must not fail a test; what bounds time is ``test_no_file_takes_long_to_refuse``.
settings.register_profile("lab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lab")

HINT = "to install an engine: make engine base-image"
BROWSER_HINT = "to install one: make browser"


@cache
def found_engine() -> tuple[Engine | None, str]:
    """Return the result of `find_engine`; close the socket that the SDK leaves if none answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            found = find_engine()
        except BackendError as exc:
            found = None, str(exc)
        gc.collect()
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the long form of the endurance tests."""
    group = parser.getgroup("server models lab")
    group.addoption(
        "--long", action="store_true", help="run the endurance tests for minutes, not seconds"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test if what it needs is missing, or fail it if LAB_REQUIRE_… is set."""
    if item.get_closest_marker("docker") is not None:
        engine, how = found_engine()
        if engine is None:
            do_without("LAB_REQUIRE_DOCKER", f"{how}; {HINT}")
    if item.get_closest_marker("browser") is not None and find_browser() is None:
        do_without("LAB_REQUIRE_BROWSER", f"no Chromium is installed; {BROWSER_HINT}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each part of `make test` took so far, above the summary line."""
    started = [part.partition(" ") for part in os.environ.get("TEST_PARTS", "").split(";") if part]
    if not started:
        return
    terminalreporter.section("duration of each part")
    starts_s = [int(start_s) for start_s, _, _ in started]
    for (_, _, name), (begun_s, ended_s) in zip(
        started, pairwise([*starts_s, round(time.time())]), strict=True
    ):
        terminalreporter.line(f"{name:<22} {ended_s - begun_s:5d} s")


@pytest.fixture(scope="session")
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether to run for minutes, as `make soak` does, or for seconds, as every test run does."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def only_long(is_long: bool) -> None:
    """Skip the test without --long."""
    if not is_long:
        pytest.skip("takes a minute or more: only with --long")


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return the engine, for a test marked `docker`."""
    engine, how = found_engine()
    assert engine is not None, how
    return engine
