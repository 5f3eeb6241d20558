"""A server that is not the lab's, in a container: known to listen once a connection comes about."""

import docker
from docker.models.containers import Container

from orchestrator.backends.base import BackendError, StageOrder, last_lines
from orchestrator.backends.container import START_DEADLINE_S, read_log
from orchestrator.backends.waiting import await_true
from orchestrator.engine import Engine

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
