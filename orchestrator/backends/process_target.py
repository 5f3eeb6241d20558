"""A server that is not the lab's, behind a command or at an address, as the stage sees it."""

import contextlib
import socket

from orchestrator.archive import SERVER_LOG
from orchestrator.backends.base import BackendError, StageOrder
from orchestrator.backends.process_server import LOOPBACK, SERVER, ProcessServer, Run
from orchestrator.backends.program import START_DEADLINE_S, Program
from orchestrator.backends.waiting import await_true
from orchestrator.scenario.target import PORT_PLACE

CONNECT_S = 2.0


def server_of(order: StageOrder, run: Run) -> ProcessServer:
    """Return the server that ``order`` asks for, listening.

    Raises:
        BackendError: it does not listen.
    """
    if order.target is None:
        return ProcessServer(order, run)
    return (OwnServer if order.target.command else ServerElsewhere)(order, run)


class OwnServer(ProcessServer):
    """The user's command: told where to listen, known to listen once a connection comes about."""

    def _begin(self) -> tuple[Program, tuple[str, int]]:
        port = _free_port()
        program = self._started(port)
        self._await(program, port)
        return program, (LOOPBACK, port)

    def _started(self, port: int) -> Program:
        command = self._order.target.command if self._order.target else None
        arguments = [each.replace(PORT_PLACE, str(port)) for each in command or ()]
        try:
            return self._run(SERVER, arguments, self._settings(port))
        except OSError as exc:
            raise BackendError(f"{arguments[0]} cannot be run: {exc.strerror}") from exc

    def _await(self, program: Program, port: int) -> None:
        def answers() -> bool:
            program.check()
            return can_connect((LOOPBACK, port))

        if not await_true(answers, START_DEADLINE_S):
            raise BackendError(
                f"{self._order.model} took no connection at {LOOPBACK}:{port}, which it was told "
                f"by LAB_PORT and {PORT_PLACE}, within {START_DEADLINE_S:g} s\n{program.story()}"
            )

    def restart(self) -> None:
        """Start the command again at the same port."""
        self.program.wait(self._order.drain_timeout_s)
        self._program = self._started(self.address[1])
        self._await(self._program, self.address[1])
        self._look_at_it()


class ServerElsewhere(ProcessServer):
    """A server at an address, which somebody else runs: nothing is started, stopped or harmed."""

    def _begin(self) -> tuple[None, tuple[str, int]]:
        assert self._order.target is not None  # noqa: S101 it is why this is made
        address = self._order.target.endpoint
        if not can_connect(address):
            raise BackendError("nobody takes a connection at {}:{}".format(*address))
        (self._order.folder / SERVER_LOG).touch()
        return None, address


def can_connect(address: tuple[str, int]) -> bool:
    """Tell whether a connection comes about."""
    with contextlib.suppress(OSError):
        socket.create_connection(address, CONNECT_S).close()
        return True
    return False


def _free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port
