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
CHUNK_BYTES = 65536
RELAY = """\
import os, socket, sys, threading
first = os.read(0, 65536)
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def send(data):
    while data:
        peer.sendall(data)
        data = os.read(0, 65536)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=send, args=(first,), daemon=True).start()
while data := peer.recv(65536):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]
"""


class Relay:
    """Listens at ``address``; for each connection a program in ``container`` opens its ``port``.

    The program for the next connection starts ahead, since that takes a tenth of a second, which a
    fault would be late. It opens the port when the first bytes come, so the other side never speaks
    first. ``environment`` are variables with which the docker command reaches the engine.
    """

    def __init__(self, container: Container, port: int, environment: Mapping[str, str]) -> None:
        inside = ["docker", "exec", "--interactive", str(container.id), "python3"]
        self._command = [*inside, "-I", "-S", "-c", RELAY, str(port)]
        self._environment = docker_environment() | dict(environment)
        self._programs: list[subprocess.Popen[bytes]] = []
        self._passing: list[threading.Thread] = []
        self._next = self._start()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._accepting = threading.Thread(target=self._accept, name="relay", daemon=True)
        self._accepting.start()

    def _start(self) -> socket.socket:
        """Start a program, and return the end of its standard input and output."""
        ours, its = socket.socketpair()
        with its:
            self._programs.append(
                subprocess.Popen(  # noqa: S603 our own program
                    self._command,
                    env=self._environment,
                    stdin=its.fileno(),
                    stdout=its.fileno(),
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        return ours

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                thread = threading.Thread(
                    target=_join, args=(connection, self._next), name="relay", daemon=True
                )
                thread.start()
                self._passing.append(thread)
                self._next = self._start()

    def close(self) -> None:
        """End it, and every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
        self._listener.close()
        self._accepting.join()  # so that no program starts after the loop
        for program in self._programs:
            program.kill()
            program.wait()
        self._next.close()
        for thread in self._passing:
            thread.join()


def _join(connection: socket.socket, program: socket.socket) -> None:
    """Pass bytes both ways until the program ends, and close both."""
    with connection, program:
        there = threading.Thread(target=_pass_on, args=(connection, program), daemon=True)
        there.start()
        _pass_on(program, connection)
        for each in (connection, program):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes the other thread
        there.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):  # one of the two has gone
        while data := source.recv(CHUNK_BYTES):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
