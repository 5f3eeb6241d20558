"""A tunnel, by a command that stands for ssh."""

import os
import socket
from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.swarm import ssh_tunnel as tunnel
from orchestrator.execution.swarm.ssh_tunnel import ssh_tunnel
from orchestrator.scenario.hosts import SshAddress

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
"""
REFUSES = """#!/bin/sh
echo "me@far: Permission denied (publickey)." >&2
exit 255
"""


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
    with ssh_tunnel(ADDRESS) as address:
        path = address.removeprefix("unix://")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
    words, pid = call.read_text().splitlines()
    assert words.endswith(f"-L {path}:/var/run/docker.sock -p 2222 -- me@far")
    assert "BatchMode=yes" in words
    assert not Path(path).exists()
    assert not Path(f"/proc/{pid}").exists()


def test_what_ssh_says_is_the_reason(call: Path) -> None:
    install(call, REFUSES)
    with pytest.raises(BackendError) as failure, ssh_tunnel(ADDRESS):
        pass
    assert str(failure.value) == (
        "ssh me@far does not connect: me@far: Permission denied (publickey).; "
        "it must work without a password"
    )


def test_a_command_that_does_nothing_is_given_up(
    call: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(call, "#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(tunnel, "DEADLINE_S", 0.1)
    expected = pytest.raises(BackendError, match="ssh me@far does not connect: no answer")
    with expected, ssh_tunnel(ADDRESS):
        pass


def test_without_ssh_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    expected = pytest.raises(BackendError, match="there is no ssh command for me@far")
    with expected, ssh_tunnel(ADDRESS):
        pass
