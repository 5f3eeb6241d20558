"""Whether hosts can encrypt what their containers send to each other.

An engine whose kernel lacks ESP only writes that to its log, and nothing arrives at other hosts.
"""

from collections.abc import Sequence

from docker.models.containers import Container

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import in_parallel
from orchestrator.execution.program_log import wait_for

ARRIVAL_DEADLINE_S = 10.0
CLOSED_PORT = 1
"""A port at which no server of the lab listens: a refusal arrives, and no server counts it."""

KNOCK = """\
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()
except ConnectionRefusedError:
    pass
"""


def check_encryption(clients: Sequence[Container], server: str) -> None:
    """Check that each of ``clients`` gets an answer from the container ``server``.

    Raises:
        BackendError: one does not.
    """
    if not all(in_parallel(lambda client: _is_answered(client, server), clients)):
        raise BackendError(
            f"nothing arrives from {server} at the clients over the encrypted network; do the "
            "kernels of all hosts have ESP (modprobe esp4), and may IP protocol 50 pass between "
            "them? The engines' logs say more; encrypted: false in the hosts file does without"
        )


def _is_answered(client: Container, server: str) -> bool:
    command = ["python3", "-I", "-S", "-c", KNOCK, server, str(CLOSED_PORT)]

    def arrives() -> bool:
        return bool(client.exec_run(command).exit_code == 0)

    return wait_for(arrives, ARRIVAL_DEADLINE_S)
