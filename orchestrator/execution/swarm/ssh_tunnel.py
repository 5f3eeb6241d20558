"""An engine's socket on another machine, as a socket of this one, by the ``ssh`` command.

So that command's configuration, keys and known hosts count, and no other library is needed.
"""

import contextlib
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestrator.execution.backend import BackendError
from orchestrator.execution.interrupts import held
from orchestrator.execution.program_log import wait_for
from orchestrator.results.archive import open_log
from orchestrator.scenario.hosts import SshAddress

CONNECT_S = 10
DEADLINE_S = CONNECT_S + 5.0
END_S = 2.0
ENGINE_SOCKET = "/var/run/docker.sock"
_OPTIONS = {
    "BatchMode": "yes",  # never ask for a password, which nobody would see
    "ConnectTimeout": CONNECT_S,
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": 5,
}


@contextlib.contextmanager
def ssh_tunnel(address: SshAddress) -> Iterator[str]:
    """Yield the address of a socket here that leads to the engine there.

    Raises:
        BackendError: ssh does not connect; with what it says.
    """
    with tempfile.TemporaryDirectory(prefix="lab-ssh-") as folder:
        path, errors = Path(folder) / "docker.sock", Path(folder) / "errors"
        with held():
            ssh = _start(address, path, errors)
        try:
            wait_for(lambda: _is_open(path) or ssh.poll() is not None, DEADLINE_S)
            if ssh.poll() is not None or not _is_open(path):
                said = errors.read_text(encoding="utf-8", errors="replace").strip()
                raise BackendError(
                    f"ssh {address.destination} does not connect: {said[-300:] or 'no answer'}; "
                    "it must work without a password"
                )
            yield f"unix://{path}"
        finally:
            _end(ssh)


def _is_open(path: Path) -> bool:
    """Whether ssh takes a connection; its socket has a path before it listens."""
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.connect(str(path))
        return True
    return False


def _start(address: SshAddress, path: Path, errors: Path) -> subprocess.Popen[bytes]:
    options = [word for name, value in _OPTIONS.items() for word in ("-o", f"{name}={value}")]
    forward = ["-L", f"{path}:{ENGINE_SOCKET}", "-p", str(address.port)]
    with open_log(errors) as stderr:
        try:
            return subprocess.Popen(  # noqa: S603 our own arguments
                ["ssh", "-nNT", *options, *forward, "--", address.destination],  # noqa: S607
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,  # a Ctrl-C is for us; what is on the host is cleaned first
            )
        except OSError as exc:
            raise BackendError(f"there is no ssh command for {address.destination}") from exc


def _end(ssh: subprocess.Popen[bytes]) -> None:
    ssh.terminate()
    try:
        ssh.wait(END_S)
    except subprocess.TimeoutExpired:
        ssh.kill()
        ssh.wait()
