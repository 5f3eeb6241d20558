"""One container: its log, its exit code, its processes, and waiting until it is ready.

A program of the lab is ready when its log says so, a target when it takes a connection.
"""

import contextlib
import functools
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import docker
import requests
from docker.models.containers import Container

from orchestrator.execution.backend import BackendError, StageOrder
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.program_log import last_lines, listening_event, wait_for

MIB = 1 << 20
GRACE_S = 10.0
REACHABLE_DEADLINE_S, CONNECT_S = 5.0, 2.0
START_DEADLINE_S = 30.0
KILLED_DEADLINE_S = 60.0
ENDED = frozenset({"exited", "dead"})
KILL_PROCESS = """\
import os, sys, time
pid = int(sys.argv[1])
assert f"Tgid:\\t{pid}\\n" in open(f"/proc/{pid}/status").read()
os.kill(pid, 9)
print(time.monotonic_ns())
"""
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"


def exit_code(container: Container, grace_s: float = GRACE_S) -> int:
    """Wait for a container that is about to end, and return its exit code; kill it if it stays."""
    try:
        return int(container.wait(timeout=grace_s)["StatusCode"])
    except requests.exceptions.RequestException:  # the SDK raises this at the timeout
        with contextlib.suppress(docker.errors.APIError):  # it has ended meanwhile
            container.kill()
        return int(container.wait(timeout=KILLED_DEADLINE_S)["StatusCode"])


def published(container: Container, port: int) -> tuple[str, int]:
    """Return the host's address that a container's port is published at.

    Raises:
        BackendError: it is not published.
    """
    container.reload()
    for binding in container.ports.get(f"{port}/tcp") or ():
        return binding["HostIp"], int(binding["HostPort"])
    raise BackendError(f"the engine published no port of {container.name}; its log may say why")


def own_address(container: Container, port: int) -> tuple[str, int]:
    """Return a port at the container's own address, which its host reaches on Linux.

    Raises:
        BackendError: it takes no connection from here.
    """
    container.reload()
    for network in container.attrs["NetworkSettings"]["Networks"].values():
        address = str(network["IPAddress"]), port
        if wait_for(functools.partial(_takes_connection, address), REACHABLE_DEADLINE_S):
            return address
    raise BackendError(
        f"the address of {container.name} cannot be reached from here, and a confined target has "
        "no other; run the orchestrator on the engine's own Linux host, or set conformance: skip"
    )


def check_reachable(address: tuple[str, int], engine: str) -> None:
    """Wait until a port that the ``engine`` has published takes a connection.

    Raises:
        BackendError: it does not, so the containers are on another host or network.
    """
    if not wait_for(lambda: _takes_connection(address), REACHABLE_DEADLINE_S):
        host, port = address
        raise BackendError(
            f"the engine at {engine} has published a port at {host}:{port}, which cannot be "
            "reached from here; run the orchestrator on the engine's own host, not in a container "
            "or on another machine, or run without containers: --backend process"
        )


def _takes_connection(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, CONNECT_S).close()
    except OSError:
        return False
    return True


def out_of_memory(container: Container, name: str) -> str | None:
    """Return the name with its limit if the kernel killed a process of a container that has ended.

    None if its memory limit was not the reason.
    """
    container.reload()
    if not container.attrs["State"].get("OOMKilled"):
        return None
    limit = container.attrs["HostConfig"]["Memory"] / MIB
    return f"the kernel killed a process of {name}, whose memory limit is {limit:g} MiB"


def killed_ns(container: Container, begun_ns: int) -> int:
    """Return when a container ended that was killed since ``begun_ns``, on CLOCK_MONOTONIC.

    The engine answers a kill only when it has taken the network down, a tenth of a second later.
    Its own instant is of the wall clock, so it counts only if it lies between the two.
    """
    answered_ns = time.monotonic_ns()
    (ended_ns,) = ends_ns(container) or (answered_ns,)
    return ended_ns if begun_ns <= ended_ns <= answered_ns else answered_ns


def ends_ns(container: Container) -> tuple[int, ...]:
    """Return when the container last ended, of CLOCK_MONOTONIC; empty if it never did.

    The engine reports wall time. A container that somebody restarted has ended, too.
    """
    container.reload()
    ended = datetime.fromisoformat(container.attrs["State"]["FinishedAt"])
    if ended.year == 1:  # the engine's zero
        return ()
    ago_s = datetime.now(UTC) - ended
    return (time.monotonic_ns() - ago_s // timedelta(microseconds=1) * 1000,)


def read_log(container: Container) -> str:
    """Return all that the container has written."""
    try:
        return container.logs().decode("utf-8", errors="replace")
    except docker.errors.NotFound:
        return ""


def kill_process(container: Container, pid: int) -> int | None:
    """Kill a process in the container; return when, None if there is none or it is a thread."""
    command = ["python3", "-I", "-S", "-c", KILL_PROCESS, str(pid)]  # which start in half the time
    exit_code, output = container.exec_run(command)
    return int(output) if exit_code == 0 else None  # type: ignore[arg-type]


def run_in_background(container: Container, command: list[str]) -> Iterator[str]:
    """Start a program in the container, and return an iterator over what it writes."""
    output: Any = container.exec_run(command, stream=True).output
    return (part.decode("utf-8", errors="replace") for part in output)


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
    return container.status in ENDED


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
