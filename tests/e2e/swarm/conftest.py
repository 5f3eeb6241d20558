"""A swarm of two engines on this machine, for the tests of this folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import ROOT
from orchestrator.execution.docker.endpoint import find_endpoint
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.docker.images import provide_images
from tests.e2e.lab_fixtures import Lab
from tests.e2e.swarm.remote_fixtures import PROGRAMS, Remote, remote_swarm
from tests.e2e.swarm.swarm_fixtures import AHEAD_S, Swarm, load, started
from tests.requirement_fixtures import do_without


@pytest.fixture(scope="session", autouse=True)
def _can_start_engines() -> None:
    if os.geteuid() != 0:
        do_without("LAB_REQUIRE_DOCKER", "a swarm on one machine needs root")
    if shutil.which("dockerd") is None:
        do_without("LAB_REQUIRE_DOCKER", "there is no dockerd; to install it: make engine")


@pytest.fixture(scope="session")
def swarm(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """Return a swarm whose containers all have this machine's clock."""
    assert engine.answers()
    with started(tmp_path_factory.mktemp("swarm") / "s") as found:
        yield found


@pytest.fixture
def ahead_swarm(engine: Engine, tmp_path: Path) -> Iterator[Swarm]:
    """Return a swarm with the lab's client, the clock of whose second engine is ahead."""
    image = provide_images(engine, ["client"])["client"]
    with started(tmp_path / "s", "--ahead", str(AHEAD_S)) as found:
        load(found, image)
        yield found


@pytest.fixture
def engine_address() -> str:
    """Return the address of the main engine."""
    return find_endpoint().address


@pytest.fixture(scope="session")
def remote(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, *, is_long: bool
) -> Iterator[Remote]:
    """Return a swarm of two machines, whose second has an sshd; both engines have TLS.

    It is made before `only_long` is asked, which is made for each test.
    """
    if not is_long:
        pytest.skip("takes a minute or more: only with --long")
    for program in ("sshd", "docker-registry"):
        if shutil.which(program, path=PROGRAMS) is None:
            lack = f"there is no {program}; to install it: scripts/swarm tools"
            do_without("LAB_REQUIRE_DOCKER", lack)
    with remote_swarm(tmp_path_factory.mktemp("remote"), engine) as found:
        yield found


@pytest.fixture
def at_first(remote: Remote, tmp_path: Path) -> Iterator[Lab]:
    """Return this checkout as a user of the first machine has it."""
    found = Lab(ROOT, tmp_path / "results", remote.swarm.within(1))
    yield found
    assert found.left_processes() == []
