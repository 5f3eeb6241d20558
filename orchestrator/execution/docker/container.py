"""One container: its log, its end, and what is done to a process within it.

A server that is not the lab's, in a container: known to listen once a connection comes about.
"""

import contextlib
from typing import Any

import docker
import requests
from docker.models.containers import Container

from orchestrator.execution.backend import BackendError, StageOrder, last_lines, listening_event
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.program_log import await_true

GRACE_S = 10.0
START_DEADLINE_S = 30.0
KILLED_DEADLINE_S = 60.0
KILL_PROCESS = """\
import os, sys
pid = int(sys.argv[1])
assert f"Tgid:\\t{pid}\\n" in open(f"/proc/{pid}/status").read()
os.kill(pid, 9)
"""


def ended(container: Container) -> int:
    """Return the exit code of a container that is about to end; one that stays is killed."""
    try:
        return int(container.wait(timeout=GRACE_S)["StatusCode"])
    except requests.exceptions.RequestException:  # so the SDK says that the time is up
        with contextlib.suppress(docker.errors.APIError):  # it has ended meanwhile
            container.kill()
        return int(container.wait(timeout=KILLED_DEADLINE_S)["StatusCode"])


def read_log(container: Container) -> str:
    """Return all that the container wrote so far."""
    try:
        return container.logs().decode("utf-8", errors="replace")
    except docker.errors.NotFound:
        return ""


def kill_process(container: Container, pid: int) -> bool:
    """Kill a process of that number in the container; tell whether there was one, and no thread."""
    exit_code, _ = container.exec_run(["python3", "-c", KILL_PROCESS, str(pid)])
    return exit_code == 0


def run_beside(container: Container, command: list[str]) -> str:
    """Run a program in the container, which goes on; return the first of what it writes."""
    output: Any = container.exec_run(command, stream=True).output
    return str(next(output, b"").decode("utf-8", errors="replace"))


def wait_until_listening(container: Container, service: str, start: int = 0) -> None:
    """Wait until the program of ``service`` listens, after its start of that number.

    Raises:
        BackendError: it died first, or took too long; with its own last lines.
    """
    if not await_true(lambda: _listens(container, service, start), START_DEADLINE_S):
        raise BackendError(
            f"the {service} did not listen within {START_DEADLINE_S:g} s; its last lines:\n"
            f"{last_lines(read_log(container))}"
        )


def _listens(container: Container, service: str, start: int) -> bool:
    container.reload()
    log = read_log(container)
    if listening_event(log, start) is not None:
        return True
    if container.status in {"exited", "dead"}:
        code = container.attrs["State"]["ExitCode"]
        raise BackendError(
            f"the {service} died at start, exit code {code}; its last lines:\n{last_lines(log)}"
        )
    return False


CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"


def wait_until_reachable(server: Container, conductor: Container, order: StageOrder) -> None:
    """Wait until ``server`` takes a connection from where its clients will be.

    Raises:
        BackendError: it ended first, or took too long; with its own last lines.
    """

    def is_reachable() -> bool:
        server.reload()
        if server.status in {"exited", "dead"}:
            code = server.attrs["State"]["ExitCode"]
            raise BackendError(f"{order.model} ended at start, exit code {code};{_story(server)}")
        command = ["python3", "-c", CONNECT, order.model, str(order.port)]
        return bool(conductor.exec_run(command).exit_code == 0)

    if not await_true(is_reachable, START_DEADLINE_S):
        raise BackendError(
            f"{order.model} took no connection at port {order.port} within {START_DEADLINE_S:g} s; "
            f"target.port says where it listens;{_story(server)}"
        )


def _story(server: Container) -> str:
    return f" its last lines:\n{last_lines(read_log(server))}"


def image_id(engine: Engine, name: str, image: str) -> dict[str, str]:
    """Return the digest of a target's image, by its name.

    Raises:
        BackendError: the engine does not have it.
    """
    try:
        return engine.image_ids({name: image})
    except docker.errors.ImageNotFound as exc:
        raise BackendError(f"{name}: this engine has no image {image}; build or pull it") from exc
