from collections.abc import Iterator

import pytest

from tests.harness import RunningServer, Starter, discover_models, starting


@pytest.fixture(params=discover_models())
def start(request: pytest.FixtureRequest) -> Iterator[Starter]:
    """Start servers of each model in turn."""
    with starting(f"services.{request.param}.server") as starter:
        yield starter


@pytest.fixture
def server(start: Starter) -> RunningServer:
    """Start a server of each model in turn, with the harness's settings."""
    return start()
