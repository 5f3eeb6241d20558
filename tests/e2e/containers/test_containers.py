"""Properties of every server's container, whatever the model."""

import contextlib
import json
import re
from socket import create_connection, create_server, socket

import docker
import pytest
from docker.models.containers import Container

from orchestrator.scenario.models import discover_classic
from tests.e2e.containers.project_fixtures import MODELS, Project, address, log_with

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.together]

NOBODY = "65534"
CONNECT_S = 10
PIDS = 16  # the program that starts a container needs up to a dozen threads of its own
LOOK_INSIDE = """
import json
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status").read().splitlines())
def is_refused(path):
    try:
        open(path, "w").close()
    except OSError as exc:
        return exc.strerror
    return "written"
print(json.dumps({
    "uids": status["Uid"].split(), "groups": status["Gid"].split(),
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "capabilities": {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0},
    "writes": {is_refused(path) for path in ("/lab/new.py", "/tmp/new", "/usr/new")}
    == {"Read-only file system"},
}))
"""


def test_a_server_has_no_rights(server: Container) -> None:
    """Seen from inside: what the kernel enforces, not what the engine was asked for."""
    exit_code, output = server.exec_run(["python3", "-c", LOOK_INSIDE])
    assert isinstance(output, bytes)
    assert exit_code == 0, output.decode()
    assert json.loads(output) == {
        "uids": [NOBODY] * 4,
        "groups": [NOBODY] * 4,
        "no_new_privileges": "1",
        "capabilities": True,
        "writes": True,
    }


def test_a_server_is_limited(server: Container) -> None:
    limits = server.attrs["HostConfig"]
    assert limits["PidsLimit"] > 0
    assert limits["Memory"] > 0
    assert limits["Init"] is True


def test_a_server_becomes_healthy(server: Container) -> None:
    assert server.attrs["State"]["Health"]["Status"] == "healthy"


def test_a_server_is_published_on_loopback_only(server: Container) -> None:
    assert {bound["HostIp"] for bound in server.ports["3000/tcp"] or ()} == {"127.0.0.1"}


def test_a_server_answers(server: Container) -> None:
    with create_connection(address(server), CONNECT_S) as conn:
        conn.sendall(b"hello sleep=1ms\x03goodbye\x03")
        assert read_to_end(conn) == b"ack"


def test_every_server_has_a_port_of_its_own_by_default(project: Project) -> None:
    services = project.services()
    ports = [services[model]["ports"][0]["published"] for model in MODELS]
    assert len(set(ports)) == len(MODELS)


def test_the_port_can_be_changed(project: Project) -> None:
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    prefork = project.up("prefork", LAB_PREFORK_PORT=str(port))
    assert address(prefork) == ("127.0.0.1", port)


@pytest.mark.parametrize("model", discover_classic())
def test_stop_drains(model: str, project: Project) -> None:
    """The message in service is finished and acknowledged; then the server exits with 0."""
    container = project.up(model)
    with create_connection(address(container), CONNECT_S) as conn:
        conn.sendall(b"last sleep=500ms\x03")
        log_with(container, "serving last")
        project.compose("stop", model)
        assert read_to_end(conn) == b"ack"
    assert container.wait(timeout=CONNECT_S)["StatusCode"] == 0
    assert "stopped: drained" in container.logs().decode()


@pytest.mark.parametrize("model", MODELS)
def test_a_pool_without_enough_processes_ends_at_the_start(
    model: str, images: dict[str, str]
) -> None:
    """In one line, which names the worker, the limit and what to do."""
    with contextlib.closing(docker.from_env()) as client:
        container = client.containers.run(
            images[model], detach=True, pids_limit=PIDS, environment={"LAB_WORKERS": "40"}
        )
        try:
            log = log_with(container, "listening on|stopped: ")
            if "listening on" in log:
                pytest.skip("no pool")
            assert container.wait(timeout=CONNECT_S)["StatusCode"] == 1
            (line,) = container.logs(stdout=False).decode().splitlines()
        finally:
            container.remove(force=True)
    assert re.match(
        rf"{model}: cannot start worker \d+ of 40: .*pids\.max {PIDS}\b.*LAB_WORKERS", line
    )


def test_the_log_shows_which_worker_serves_which_client(project: Project) -> None:
    prefork = project.up("prefork")
    with (
        create_connection(address(prefork), CONNECT_S) as one,
        create_connection(address(prefork), CONNECT_S) as other,
    ):
        one.sendall(b"from-one sleep=200ms\x03goodbye\x03")
        other.sendall(b"from-other sleep=200ms\x03goodbye\x03")
        assert read_to_end(one) == read_to_end(other) == b"ack"
    log_with(prefork, "closed connection", times=2)

    shown = project.compose("logs", "--no-color", "prefork")
    served = dict(re.findall(r"prefork  (worker \d)  serving (\S+) of", shown))
    assert sorted(served.values()) == ["from-one", "from-other"]  # one each, as two are idle


def read_to_end(conn: socket) -> bytes:
    """Return the bytes that come before the server closes."""
    return b"".join(iter(lambda: conn.recv(64), b""))
