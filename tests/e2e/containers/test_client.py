"""What client containers promise that a person starts with Compose, without a conductor."""

import re

import pytest

from tests.e2e.containers.project_fixtures import Project, log_with

pytestmark = [pytest.mark.docker, pytest.mark.slow]

CLIENTS = 3


def test_scaled_clients_have_different_names_in_the_server_s_log(project: Project) -> None:
    """Each is the replica of its container's number, which the engine's DNS server knows."""
    project.build("client")
    epoll = project.up("epoll")
    scaled = ("up", "--detach", "--no-build", "--no-deps", "--scale", f"client={CLIENTS}", "client")
    project.compose(*scaled, LAB_MESSAGES="1", LAB_DEMAND="sleep=1ms")
    log = log_with(epoll, r"serving r\d+\.c0\.m0 ", times=CLIENTS)
    assert sorted(re.findall(r"serving (r\d+)\.c0\.m0 ", log)) == ["r1", "r2", "r3"]

    for number, client in enumerate(project.containers("client"), start=1):
        name = f"{project.name}-client-{number}.{project.name}_default"
        log_with(client, re.escape(f"messages begin with r{number} (container {name})"))
