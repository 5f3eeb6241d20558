"""An engine's socket on another machine, as a socket of this one, by the ``ssh`` command.

So that command's configuration, keys and known hosts count, and no other library is needed.
"""

import contextlib
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.execution.backend import BackendError
from orchestrator.execution.interrupts import held
from orchestrator.execution.program_log import wait_for
from orchestrator.results.archive import open_log
from orchestrator.scenario.hosts import DEFAULT_SSH_PORT, SshAddress

CONNECT_S = 10
DEADLINE_S = CONNECT_S + 5.0
END_S = 2.0
SHOWN_CHARS = 300
ENGINE_SOCKET = "/var/run/docker.sock"
_OPTIONS = {
    "BatchMode": "yes",  # never ask for a password, which nobody would see
    "ConnectTimeout": CONNECT_S,
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": 5,
}

_ADVICE = {
    "host identification has changed": "its host key is another one than it was; if that is "
    "right: ssh-keygen -R {key_name}, then {command}",
    "host key verification failed": "this machine does not know its host key yet; connect once "
    "by hand and compare it: {command}",
    "permission denied": "it must work without a password, by a key that is allowed there: "
    "ssh-copy-id{port} {destination}",
}
"""What to do, by what ssh says in lower case; the first that fits."""

_USUAL_ADVICE = "it must work without a password; try {command}"
NOT_FORWARDED = "open failed"


@dataclass(frozen=True)
class Tunnel:
    """The ``address`` of a socket here, and the file with what ssh says about it."""

    address: str
    errors: Path

    def refusal(self) -> str:
        """Return why sshd did not connect to the engine there, empty if it did."""
        if NOT_FORWARDED not in _said(self.errors):
            return ""
        return (
            f"ssh connects, but not to {ENGINE_SOCKET} there: does an engine run, is the user in "
            "the group docker, and does sshd allow AllowStreamLocalForwarding?"
        )


@contextlib.contextmanager
def ssh_tunnel(address: SshAddress) -> Iterator[Tunnel]:
    """Yield a socket here that leads to the engine there.

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
                raise BackendError(_failure(address, _said(errors)))
            yield Tunnel(f"unix://{path}", errors)
        finally:
            _end(ssh)


def _said(errors: Path) -> str:
    return errors.read_text(encoding="utf-8", errors="replace").strip()


def _failure(address: SshAddress, said: str) -> str:
    """Return what to do if ssh ``said`` that, whose last line is the reason."""
    port = "" if address.port == DEFAULT_SSH_PORT else f" -p {address.port}"
    host = address.destination.rpartition("@")[2]
    advice = next((each for sign, each in _ADVICE.items() if sign in said.lower()), _USUAL_ADVICE)
    filled_in = advice.format(
        command=f"ssh{port} {address.destination}",
        destination=address.destination,
        key_name=f"'[{host}]:{address.port}'" if port else host,
        port=port,
    )
    reason = said.rpartition("\n")[2].strip().rstrip(".")[-SHOWN_CHARS:] or "no answer"
    return f"ssh {address.destination} does not connect: {reason}; {filled_in}"


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
