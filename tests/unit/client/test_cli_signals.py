import signal
import socket
import subprocess
import sys

import pytest

from client.cli import INTERRUPTED, OK
from conformance import ROOT

STOPPING = "signal.SIGTERM, signal.SIGINT"
INHERITED = {
    "ignored": f"[signal.signal(each, signal.SIG_IGN) for each in ({STOPPING}, signal.SIGCHLD)]",
    "blocked": f"signal.pthread_sigmask(signal.SIG_BLOCK, ({STOPPING}))",
    "all blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
}
DEADLINE_S = 20


def _client(inherited: str, *arguments: str) -> subprocess.Popen[bytes]:
    execute = "os.execvp(sys.argv[1], sys.argv[1:])"
    wrapper = f"import os, signal, sys; {INHERITED[inherited]}; {execute}"
    command = [sys.executable, "-c", wrapper, sys.executable, str(ROOT / "client/client.py")]
    environment = {"LAB_CONDUCTOR_PORT": "0", "LAB_RUN_SECRET": "5ec7e7"}
    return subprocess.Popen([*command, *arguments], env=environment, stdout=subprocess.PIPE)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("inherited", INHERITED)
def test_inherited_signals_do_not_keep_it_from_stopping(
    inherited: str, signum: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with _client(inherited, "1", "--target", f"127.0.0.1:{port}", "--quiet") as client:
            silent.settimeout(DEADLINE_S)
            conn, _ = silent.accept()
            with conn:
                client.send_signal(signum)
                assert client.wait(DEADLINE_S) == INTERRUPTED


@pytest.mark.parametrize("inherited", INHERITED)
def test_inherited_signals_do_not_keep_the_conductor_from_stopping(inherited: str) -> None:
    with _client(inherited, "conductor") as conductor:
        assert conductor.stdout is not None
        assert b"listening" in conductor.stdout.readline()
        conductor.terminate()
        assert conductor.wait(DEADLINE_S) == OK
