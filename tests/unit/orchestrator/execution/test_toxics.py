"""The control of a fault proxy that answers what the test says, over a socket."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from faultproxy.settings import Settings
from labkit.wire.secret import SECRET
from labkit.wire.wire import Channel
from orchestrator.execution.backend import BackendError, StageOrder
from orchestrator.execution.docker.compose_override import write_override
from orchestrator.execution.toxics import SERVICE, ToxicControl, proxy_settings

SLOW = {"name": "latency at 1s", "type": "latency", "attributes": {"latency": "10ms"}}
CUT = {"name": "reset_peer at 2s", "type": "reset_peer"}
IN_EFFECT = {"kind": "in_effect", "t_ns": 5}


class FakeProxy:
    """A proxy with an answer for each request; ``asked`` are the toxics of each."""

    def __init__(self, listener: socket.socket, answers: list[dict[str, Any]]) -> None:
        self.address: tuple[str, int] = listener.getsockname()
        self.asked: list[list[dict[str, Any]]] = []
        self.secrets: list[str] = []
        self._listener = listener
        self._answers = answers

    def serve(self) -> None:
        for answer in self._answers:
            sock, _ = self._listener.accept()
            with Channel(sock) as channel:
                request = channel.receive()
                self.asked.append(request["toxics"])
                self.secrets.append(request["secret"])
                if answer:
                    channel.send(**answer)


@contextmanager
def proxy(*answers: dict[str, Any]) -> Iterator[FakeProxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20.0)
        fake = FakeProxy(listener, list(answers))
        thread = threading.Thread(target=fake.serve)
        thread.start()
        yield fake
        thread.join()


def test_each_request_has_all_toxics_that_are_to_be_in_effect() -> None:
    with proxy(IN_EFFECT, IN_EFFECT, IN_EFFECT) as fake:
        control = ToxicControl(fake.address, "5ec7e7")
        assert control.add(SLOW) == IN_EFFECT["t_ns"]
        control.add(CUT)
        control.lift(str(SLOW["name"]))
    assert fake.asked == [[SLOW], [SLOW, CUT], [CUT]]
    assert fake.secrets == ["5ec7e7"] * 3


def test_of_a_proxy_with_another_clock_the_instant_of_the_answer_counts() -> None:
    with proxy(IN_EFFECT) as fake:
        begun_ns = time.monotonic_ns()
        in_effect_ns = ToxicControl(fake.address, is_own_clock=False).add(SLOW)
    assert begun_ns <= in_effect_ns <= time.monotonic_ns()


def test_a_toxic_that_the_proxy_refused_is_not_sent_again() -> None:
    with proxy({"kind": "refused", "reason": "latency: unknown"}, IN_EFFECT) as fake:
        control = ToxicControl(fake.address)
        with pytest.raises(BackendError, match="refuses: latency: unknown"):
            control.add(SLOW)
        control.add(CUT)
    assert fake.asked == [[SLOW], [CUT]]


def test_a_toxic_that_could_not_be_lifted_is_still_in_effect() -> None:
    with proxy(IN_EFFECT, {}, IN_EFFECT) as fake:
        control = ToxicControl(fake.address)
        control.add(SLOW)
        with pytest.raises(BackendError, match="does not answer"):
            control.lift(str(SLOW["name"]))
        control.add(CUT)
    assert fake.asked == [[SLOW], [], [SLOW, CUT]]


def test_a_case_without_a_proxy_has_no_toxics() -> None:
    with pytest.raises(BackendError, match="no fault proxy"):
        ToxicControl(None).add(SLOW)


def test_a_proxy_that_has_gone_does_not_answer(refusing_address: tuple[str, int]) -> None:
    with pytest.raises(BackendError, match="does not answer"):
        ToxicControl(refusing_address).add(SLOW)


def test_the_proxy_reads_the_settings_that_it_is_given() -> None:
    read = Settings.from_env(proxy_settings("127.0.0.1:4000", "127.0.0.1", seed=7))
    assert (read.host, read.seed) == ("127.0.0.1", 7)
    assert read.target == ("127.0.0.1", 4000)


def test_the_settings_that_are_stored_have_no_secret_and_no_toxics_of_the_user() -> None:
    settings = proxy_settings("127.0.0.1:4000", "127.0.0.1", seed=7)
    assert settings["LAB_PROXY_TOXICS"] == ""
    assert SECRET not in settings


def test_each_case_has_a_secret_of_its_own_that_its_files_do_not_have(tmp_path: Path) -> None:
    """The override of a case is stored with its results."""
    first, second = (
        StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, is_proxied=True) for _ in range(2)
    )
    assert first.secret != second.secret
    assert len(first.secret) >= 32
    assert first.secret not in repr(first)
    images = {"epoll": "sha256:1", "client": "sha256:2", SERVICE: "sha256:3"}
    assert first.secret not in write_override(first, images).read_text()
