"""What a killed run leaves behind, and how ``orchestrate.py clean`` removes it."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.e2e.lab_fixtures import Lab
from tests.e2e.test_orchestrate import LONG, left_on

pytestmark = [pytest.mark.slow, pytest.mark.together]


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "long.yaml"
    path.write_text(LONG)
    return path


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def killed(lab: Lab, scenario: Path, backend: str) -> Iterator[str]:
    """Yield the id of a campaign that was killed under load; remove it at the end in any case."""
    options = ("--backend", backend, "--out", lab.out)
    ended = lab.interrupt("under load", signal.SIGKILL, scenario, *options)
    assert ended.code == -9
    (folder,) = ended.results
    campaign_id = folder.name.rpartition("-")[2]
    yield campaign_id
    lab.orchestrate("clean", "--campaign", campaign_id)


def left(lab: Lab, backend: str, campaign_id: str) -> list[str]:
    """Return what exists of a campaign: command lines, or names of containers and networks."""
    if backend == "process":
        return lab.left_processes()
    with contextlib.closing(docker.from_env()) as engine:
        return left_on(engine, {campaign_id})


def test_what_a_killed_run_left_is_removed(lab: Lab, backend: str, killed: str) -> None:
    there = left(lab, backend, killed)
    assert len(there) >= 3  # server, conductor, client
    assert any("client" not in each for each in there)
    looked = lab.orchestrate("clean", "--dry-run", "--campaign", killed)
    assert f"of campaign {killed}" in looked.out
    assert looked.out.startswith("would remove: ")
    # Clients exit when their conductor has gone, and probes when their stdin is closed; the server
    # goes on.
    leaving = ("client", "-m probe")
    stays = {each for each in there if not any(word in each for word in leaving)}
    assert stays
    assert stays <= set(left(lab, backend, killed))
    cleaned = lab.orchestrate("clean", "--campaign", killed)
    assert cleaned.code == 0, cleaned.err
    assert "removed: " in cleaned.out
    assert left(lab, backend, killed) == []
    assert lab.orchestrate("clean", "--campaign", killed).out == "nothing to remove\n"


def test_a_running_campaign_is_not_removed(lab: Lab, scenario: Path, backend: str) -> None:
    with lab.running("under load", scenario, "--backend", backend, "--out", lab.out) as process:
        (folder,) = lab.out.iterdir()
        campaign_id = folder.name.rpartition("-")[2]
        tried = lab.orchestrate("clean", "--campaign", campaign_id)
        assert tried.out == "nothing to remove\n"
        assert f"in use by process {process.pid}" in tried.err
        assert len(left(lab, backend, campaign_id)) >= 3
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert left(lab, backend, campaign_id) == []
