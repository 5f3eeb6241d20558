"""A tunnel, by a command that stands for ssh."""

import os
import socket
from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.program_log import wait_for
from orchestrator.execution.swarm import ssh_tunnel as module
from orchestrator.execution.swarm.ssh_tunnel import ssh_tunnel
from orchestrator.scenario.hosts import SshAddress

DEADLINE_S = 15.0
ADDRESS = SshAddress("me@far", 2222)
LISTENS = """#!/usr/bin/env python3
import os, pathlib, socket, sys, time
pathlib.Path(os.environ["SSH_CALL"]).write_text(" ".join(sys.argv[1:]) + f"\\n{os.getpid()}")
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[sys.argv.index("-L") + 1].partition(":")[0])
time.sleep(0.2)  # whoever takes the path for the listener is refused
listener.listen()
while True:
    listener.accept()
    print("channel 1: open failed: connect failed: open failed", file=sys.stderr, flush=True)
"""
CHANGED = """\
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Host key verification failed.
"""
DENIED = "me@far: Permission denied (publickey).\n"
FIRST_CONNECTION = (
    "this machine does not know its host key yet; connect once by hand and compare it: "
)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which the command writes how it was called."""
    monkeypatch.setenv("SSH_CALL", str(tmp_path / "call"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "call"


def install(call: Path, program: str) -> None:
    command = call.parent / "ssh"
    command.write_text(program)
    command.chmod(0o755)


def test_the_socket_leads_to_the_command_and_goes_with_it(call: Path) -> None:
    install(call, LISTENS)
    with ssh_tunnel(ADDRESS) as tunnel:
        path = tunnel.address.removeprefix("unix://")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
    words, pid = call.read_text().splitlines()
    assert words.endswith(f"-L {path}:/var/run/docker.sock -p 2222 -- me@far")
    assert "BatchMode=yes" in words
    assert not Path(path).exists()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("port", "said", "shown"),
    [
        (22, DENIED,
         "me@far: Permission denied (publickey); it must work without a password, by a key that "
         "is allowed there: ssh-copy-id me@far"),
        (2222, DENIED,
         "me@far: Permission denied (publickey); it must work without a password, by a key that "
         "is allowed there: ssh-copy-id -p 2222 me@far"),
        (2222, "Host key verification failed.\n",
         f"Host key verification failed; {FIRST_CONNECTION}ssh -p 2222 me@far"),
        (22, CHANGED,
         "Host key verification failed; its host key is another one than it was; if that is "
         "right: ssh-keygen -R far, then ssh me@far"),
        (2222, CHANGED,
         "Host key verification failed; its host key is another one than it was; if that is "
         "right: ssh-keygen -R '[far]:2222', then ssh -p 2222 me@far"),
        (22, "ssh: connect to host far port 22: No route to host\n",
         "ssh: connect to host far port 22: No route to host; it must work without a password; "
         "try ssh me@far"),
    ],
)  # fmt: skip
def test_what_ssh_says_is_the_reason_in_one_line_with_what_to_do(
    call: Path, port: int, said: str, shown: str
) -> None:
    (call.parent / "said").write_text(said)
    install(call, f"#!/bin/sh\ncat {call.parent}/said >&2\nexit 255\n")
    with pytest.raises(BackendError) as failure, ssh_tunnel(SshAddress("me@far", port)):
        pass
    assert str(failure.value) == f"ssh me@far does not connect: {shown}"


def test_a_tunnel_knows_that_the_engine_behind_it_is_not_reached(call: Path) -> None:
    install(call, LISTENS)
    with ssh_tunnel(ADDRESS) as tunnel:
        assert wait_for(lambda: tunnel.refusal() != "", DEADLINE_S)
        assert tunnel.refusal().startswith("ssh connects, but not to /var/run/docker.sock there:")


def test_a_command_that_does_nothing_is_given_up(
    call: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(call, "#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(module, "DEADLINE_S", 0.1)
    expected = pytest.raises(BackendError, match="ssh me@far does not connect: no answer")
    with expected, ssh_tunnel(ADDRESS):
        pass


def test_without_ssh_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    expected = pytest.raises(BackendError, match="there is no ssh command for me@far")
    with expected, ssh_tunnel(ADDRESS):
        pass
