"""One container: its log, its exit code, its processes, and waiting until it is ready.

A program of the lab is ready when its log says so, a target when it takes a connection.
"""

import contextlib
from typing import Any

import docker
import requests
from docker.models.containers import Container

from orchestrator.execution.backend import BackendError, StageOrder
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.program_log import last_lines, listening_event, wait_for

GRACE_S = 10.0
START_DEADLINE_S = 30.0
KILLED_DEADLINE_S = 60.0
KILL_PROCESS = """\
import os, sys
pid = int(sys.argv[1])
assert f"Tgid:\\t{pid}\\n" in open(f"/proc/{pid}/status").read()
os.kill(pid, 9)
"""
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"


def exit_code(container: Container) -> int:
    """Wait for a container that is about to end, and return its exit code; kill it if it stays."""
    try:
        return int(container.wait(timeout=GRACE_S)["StatusCode"])
    except requests.exceptions.RequestException:  # the SDK raises this at the timeout
        with contextlib.suppress(docker.errors.APIError):  # it has ended meanwhile
            container.kill()
        return int(container.wait(timeout=KILLED_DEADLINE_S)["StatusCode"])


def read_log(container: Container) -> str:
    """Return all that the container has written."""
    try:
        return container.logs().decode("utf-8", errors="replace")
    except docker.errors.NotFound:
        return ""


def kill_process(container: Container, pid: int) -> bool:
    """Kill a process in the container; return False if there is none, or it is a thread."""
    return bool(container.exec_run(["python3", "-c", KILL_PROCESS, str(pid)]).exit_code == 0)


def run_in_background(container: Container, command: list[str]) -> str:
    """Run a program in the container, and return the first that it writes; it goes on."""
    output: Any = container.exec_run(command, stream=True).output
    return str(next(output, b"").decode("utf-8", errors="replace"))


def wait_until_listening(container: Container, service: str, start: int = 0) -> None:
    """Wait until the program of ``service`` listens, after its start number ``start``.

    Raises:
        BackendError: it ended first, or took too long; with its last lines.
    """
    if not wait_for(lambda: _is_listening(container, service, start), START_DEADLINE_S):
        raise BackendError(
            f"the {service} did not listen within {START_DEADLINE_S:g} s; {_end_of_log(container)}"
        )


def _is_listening(container: Container, service: str, start: int) -> bool:
    has_ended = _has_ended(container)
    if listening_event(read_log(container), start) is not None:
        return True
    if has_ended:
        raise _ended_at_start(container, f"the {service}")
    return False


def wait_until_reachable(server: Container, client: Container, order: StageOrder) -> None:
    """Wait until ``server`` takes a connection from a client's container.

    Raises:
        BackendError: it ended first, or took too long; with its last lines.
    """

    def is_reachable() -> bool:
        if _has_ended(server):
            raise _ended_at_start(server, order.model)
        command = ["python3", "-c", CONNECT, order.model, str(order.port)]
        return bool(client.exec_run(command).exit_code == 0)

    if not wait_for(is_reachable, START_DEADLINE_S):
        raise BackendError(
            f"{order.model} took no connection at port {order.port} within {START_DEADLINE_S:g} s; "
            f"is target.port right? {_end_of_log(server)}"
        )


def _has_ended(container: Container) -> bool:
    container.reload()
    return container.status in {"exited", "dead"}


def _ended_at_start(container: Container, name: str) -> BackendError:
    return ended_container(container, name, "at start")


def ended_container(container: Container, name: str, moment: str) -> BackendError:
    """Return the error for a program that has ended, with its exit code and its last lines."""
    code = container.attrs["State"]["ExitCode"]
    return BackendError(f"{name} ended {moment}, exit code {code}; {_end_of_log(container)}")


def _end_of_log(container: Container) -> str:
    return f"its last lines:\n{last_lines(read_log(container))}"


def image_id(engine: Engine, name: str, image: str) -> dict[str, str]:
    """Return the digest of a target's image under the target's name.

    Raises:
        BackendError: the engine does not have it.
    """
    try:
        return engine.image_ids({name: image})
    except docker.errors.ImageNotFound as exc:
        raise BackendError(f"{name}: this engine has no image {image}; build or pull it") from exc
