"""Fixtures for containers: a project for each test, and a shared server of each model."""

from collections.abc import Iterator

import pytest
from docker.models.containers import Container

from orchestrator.execution.docker.engine import Engine
from tests.e2e.containers.project_fixtures import MODELS, Project


@pytest.fixture(scope="session")
def images(engine: Engine) -> dict[str, str]:
    """Return the tag of each server's image, built from the current sources."""
    project = Project(engine)
    project.build(*MODELS)
    services = project.services()
    return {model: services[model]["image"] for model in MODELS}


@pytest.fixture
def project(engine: Engine, images: dict[str, str]) -> Iterator[Project]:
    """Return an empty project with all images built, and remove it afterwards."""
    assert images
    project = Project(engine)
    project.remove()
    try:
        yield project
    finally:
        project.remove()


@pytest.fixture(scope="module", params=MODELS)
def server(
    request: pytest.FixtureRequest, engine: Engine, images: dict[str, str]
) -> Iterator[Container]:
    """Return a healthy server of each model in turn, for tests that do not change it."""
    assert request.param in images
    project = Project(engine)
    project.remove()
    try:
        yield project.up(request.param)
    finally:
        project.remove()
