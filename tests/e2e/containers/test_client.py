"""What client containers promise that a person starts with Compose, without a conductor."""

import re

import pytest

from tests.e2e.containers.project_fixtures import Project, log_with

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.together]

CLIENTS = 3
DEADLINE_S = 20


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


def test_a_client_refuses_two_servers_under_one_name(project: Project) -> None:
    """Some of ten clients would measure one server, the rest the other."""
    project.build("client")
    for model in ("prefork", "epoll"):
        project.up(model)
    project.compose("up", "--detach", "--no-build", "--no-deps", "client", LAB_MESSAGES="1")
    (client,) = project.containers("client")
    assert client.wait(timeout=DEADLINE_S)["StatusCode"] == 1
    log_with(client, r"server is the name of 2 servers \(\S+, \S+\).* e\.g\. prefork:3000")
