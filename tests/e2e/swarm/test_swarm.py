"""``scripts/swarm``: two engines in one swarm, apart from the main engine, and nothing left."""

import time
from pathlib import Path

import pytest

from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.docker.images import provide_images
from orchestrator.execution.program_log import wait_for
from tests.e2e.swarm.swarm_fixtures import (
    AHEAD_S,
    Swarm,
    docker,
    groups,
    interfaces,
    load,
    started,
)

pytestmark = pytest.mark.docker

NOW = ("python3", "-c", "import time; print(time.monotonic())")
STATE = "{{.Swarm.LocalNodeState}}"
NODES = ("node", "ls", "--format", "{{.Hostname}} {{.Status}}")
DOWN_DEADLINE_S = 60


def nodes(swarm: Swarm) -> list[str]:
    return sorted(swarm.docker(1, *NODES).decode().splitlines())


def test_both_engines_are_ready_nodes_of_one_swarm(swarm: Swarm) -> None:
    assert nodes(swarm) == ["lab-1 Ready", "lab-2 Ready"]


def test_the_main_engine_stays_out_of_it(swarm: Swarm) -> None:
    assert swarm.docker(1, "info", "--format", STATE) == b"active\n"
    assert docker("info", "--format", STATE) == b"inactive\n"


def test_a_second_swarm_in_the_same_folder_is_refused(swarm: Swarm) -> None:
    printed = swarm.script("up", succeeds=False)
    assert f"{swarm.folder} exists, so a swarm runs or has crashed" in printed
    assert nodes(swarm) == ["lab-1 Ready", "lab-2 Ready"]


@pytest.mark.parametrize(
    "words",
    [
        ["up", "--ahead", "soon"],
        ["up", "--ahead"],
        ["up", "--tls", "/nowhere"],
        ["within", "3", "true"],
        ["within", "1"],
        ["away"],
        [],
    ],
)
def test_misuse_changes_nothing(tmp_path: Path, words: list[str]) -> None:
    swarm = Swarm(tmp_path / "s")
    assert "usage: scripts/swarm up" in swarm.script(*words, succeeds=False)
    assert not swarm.folder.exists()


def test_a_swarm_with_a_clock_that_is_ahead_leaves_nothing(tmp_path: Path, engine: Engine) -> None:
    """An estimate of the offset can be held against the truth. A container runs at the end."""
    groups_before, interfaces_before = groups(), interfaces()
    image = provide_images(engine, ["client"])["client"]
    with started(tmp_path / "s", "--ahead", str(AHEAD_S)) as swarm:
        load(swarm, image)
        for number, ahead_s in ((1, 0), (2, AHEAD_S)):
            begun_s = time.monotonic()
            printed = swarm.docker(number, "run", "--entrypoint", NOW[0], image, *NOW[1:])
            assert begun_s <= float(printed) - ahead_s <= time.monotonic()
        swarm.docker(2, "run", "--detach", "--entrypoint", "sleep", image, "600")
        assert groups() > groups_before
        assert swarm.processes()
    assert not swarm.folder.exists()
    assert swarm.processes() == []
    assert groups() == groups_before
    assert interfaces() == interfaces_before


@pytest.mark.parametrize(
    "words", [["hosts"], ["cut"], ["join"], ["kill", "1"], ["within", "1", "true"]]
)
def test_without_a_swarm_the_script_says_how_to_start_one(tmp_path: Path, words: list[str]) -> None:
    printed = Swarm(tmp_path / "s").script(*words, succeeds=False)
    assert printed == f"swarm: no swarm runs in {tmp_path}/s: scripts/swarm up starts one\n"


def test_the_hosts_file_is_printed(swarm: Swarm) -> None:
    assert swarm.script("hosts") == swarm.hosts_file.read_text()


def test_down_without_a_swarm_is_no_error(tmp_path: Path) -> None:
    assert Swarm(tmp_path / "s").script("down") == "swarm: removed\n"


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_a_cut_link_makes_the_second_node_go_down_until_it_is_joined(swarm: Swarm) -> None:
    swarm.script("cut")
    try:
        down = wait_for(lambda: nodes(swarm) == ["lab-1 Ready", "lab-2 Down"], DOWN_DEADLINE_S)
    finally:
        swarm.script("join")
    assert down
    assert wait_for(lambda: nodes(swarm) == ["lab-1 Ready", "lab-2 Ready"], DOWN_DEADLINE_S)
