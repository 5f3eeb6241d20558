"""A port of this machine that leads to a port within a container, through its engine.

So nothing of the lab is published on a host's network: whoever may talk to the engine may talk to
the program, and nobody else.
"""

import contextlib
import socket
import subprocess
import threading
from collections.abc import Mapping

from docker.models.containers import Container

from orchestrator.execution.docker.compose import docker_environment

LOOPBACK = "127.0.0.1"
RELAY = """\
import os, socket, sys, threading
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def send():
    while data := os.read(0, 65536):
        peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := peer.recv(65536):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]
"""


class Relay:
    """Listens at ``address``; for each connection a program in ``container`` opens its ``port``.

    ``environment`` are variables with which the docker command reaches the container's engine.
    """

    def __init__(self, container: Container, port: int, environment: Mapping[str, str]) -> None:
        inside = ["docker", "exec", "--interactive", str(container.id), "python3"]
        self._command = [*inside, "-I", "-S", "-c", RELAY, str(port)]
        self._environment = docker_environment() | dict(environment)
        self._programs: list[subprocess.Popen[bytes]] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._accepting = threading.Thread(target=self._accept, name="relay", daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    self._pass_on(connection)

    def _pass_on(self, connection: socket.socket) -> None:
        self._programs.append(
            subprocess.Popen(  # noqa: S603 our own program
                self._command,
                env=self._environment,
                stdin=connection.fileno(),
                stdout=connection.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    def close(self) -> None:
        """End it, and every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
        self._listener.close()
        self._accepting.join()  # so that no program starts after the loop
        for program in self._programs:
            program.kill()
            program.wait()
