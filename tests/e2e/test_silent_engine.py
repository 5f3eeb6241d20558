"""An engine that stops answering, by a proxy before its socket."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orchestrator.execution.docker.endpoint import find_endpoint
from tests.e2e.lab_fixtures import Lab

SCENARIO = """\
intent: this run is interrupted while its engine is silent
models: [epoll]
clients: [{executor: closed, users: 1, messages: 1}]
"""


class SilentSocket:
    """A socket that passes everything on to the engine until it is ``silent``."""

    def __init__(self, path: Path, engine: str) -> None:
        self.silent = threading.Event()
        self.kept = threading.Event()
        self._engine = engine
        self._listener = socket.socket(socket.AF_UNIX)
        self._open = [self._listener]
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, far = self._listener.accept()[0], socket.socket(socket.AF_UNIX)
                self._open += [near, far]
                far.connect(self._engine)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.silent.is_set():
                    self.kept.set()
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentSocket]:
    path = tmp_path / "engine"
    found = SilentSocket(path, urlsplit(find_endpoint().address).path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    yield found
    found.close()


@pytest.mark.docker
def test_an_interrupt_ends_the_wait_for_a_silent_engine_and_names_what_is_left(
    lab: Lab, tmp_path: Path, engine: SilentSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO)
    cue = ("starting", scenario, "--backend", "docker", "--out", lab.out)
    with lab.running(*cue) as process:
        engine.silent.set()
        assert engine.kept.wait(20)
        begun_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert time.monotonic() - begun_s < 6  # of them at most 2 for the engine
    assert process.returncode == 130
    assert "containers and networks of the project lab-" in said
    campaign = said.rpartition("orchestrate.py clean --campaign ")[2].split()[0]
    monkeypatch.delenv("DOCKER_HOST")
    assert lab.orchestrate("clean", "--campaign", campaign).code == 0
