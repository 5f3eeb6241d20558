from dataclasses import replace

import pytest

from orchestrator.execution.swarm.checks import missing_images, problems_of
from orchestrator.execution.swarm.facts import HostFacts, Node, WallClock
from tests.unit.orchestrator.execution.swarm.facts_fixtures import MANAGER, READY, WORKER

TAG = "server-models-lab/epoll:source-1"


def test_two_ready_nodes_of_one_swarm_have_no_problem() -> None:
    assert problems_of([MANAGER, WORKER]) == []
    assert problems_of([WORKER, MANAGER]) == []


@pytest.mark.parametrize("version", ["20.10.24+dfsg1", "20.10", "28.2.2", "dev"])
def test_an_engine_of_that_version_is_not_too_old(version: str) -> None:
    assert problems_of([replace(MANAGER, version=version), WORKER]) == []


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        (replace(MANAGER, version="19.03.8"), WORKER,
         "first: engine 19.03.8 is too old; install 20.10 or newer"),
        (MANAGER, replace(WORKER, swarm_state="inactive", node_id=""),
         "second: its engine is in no swarm (inactive); run there what docker swarm join-token "
         "worker prints on a manager, or docker swarm init for a new swarm"),
        (MANAGER, replace(WORKER, clock=WallClock(-7.25, 0.01)),
         "second: its wall clock differs by -7.2 s from this machine's; set both by NTP"),
        (MANAGER, replace(WORKER, node_id="n3"),
         "second is in another swarm than first; docker swarm leave there"),
        (MANAGER, replace(WORKER, node_id="n1"),
         "first and second are the same engine; keep one"),
        (replace(MANAGER, members={"n1": READY, "n2": Node("down", "active")}), WORKER,
         "second runs no tasks: its node is down and active; docker node ls on first shows it"),
        (replace(MANAGER, members={"n1": Node("ready", "drain"), "n2": READY}), WORKER,
         "first runs no tasks: its node is ready and drain; docker node ls on first shows it"),
        (replace(MANAGER, members=None), WORKER,
         "no manager of the swarm is among first, second; add one to the hosts file, since only "
         "a manager deploys"),
        (replace(MANAGER, images={TAG: "sha256:1"}), replace(WORKER, images={TAG: "sha256:2"}),
         f"{TAG} has 2 contents: first sha256:1; second sha256:2; remove all but one"),
    ],
)  # fmt: skip
def test_what_keeps_hosts_from_working_together_is_named(
    first: HostFacts, second: HostFacts, problem: str
) -> None:
    assert problems_of([first, second]) == [problem]


def test_a_clock_within_the_error_of_its_reading_is_no_problem() -> None:
    assert problems_of([MANAGER, replace(WORKER, clock=WallClock(7.0, 6.5))]) == []


def test_no_host_that_answered_is_no_problem_of_the_swarm() -> None:
    assert problems_of([]) == []


def test_an_image_is_missing_where_only_another_host_has_it() -> None:
    first = replace(MANAGER, images={TAG: "sha256:1", "server-models-lab/client:a": "sha256:3"})
    second = replace(WORKER, images={TAG: "sha256:1"})
    assert missing_images([first, second]) == {"first": 0, "second": 1}
