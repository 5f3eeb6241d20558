"""Whether what is encrypted arrives, with clients that run the check on this machine."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.swarm import encryption
from orchestrator.execution.swarm.encryption import KNOCK, check_encryption


class Client:
    """Runs a command as a container would, from the ``first`` call on."""

    def __init__(self, first: int = 1) -> None:
        self._first = first
        self.calls = 0

    def exec_run(self, command: list[str]) -> SimpleNamespace:
        self.calls += 1
        assert command[-2:] == ["epoll", "1"]
        return SimpleNamespace(exit_code=0 if self.calls >= self._first else 1)


def check(*clients: Client) -> None:
    containers: list[Any] = list(clients)
    check_encryption(containers, "epoll")


def test_a_network_needs_a_moment_before_it_carries() -> None:
    late = Client(first=3)
    check(Client(), late)
    assert late.calls == 3


def test_a_client_that_gets_no_answer_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "ARRIVAL_DEADLINE_S", 0.05)
    with pytest.raises(BackendError, match=r"nothing arrives from epoll .* have ESP"):
        check(Client(), Client(first=1_000_000))


@pytest.mark.parametrize(("host", "code"), [("127.0.0.1", 0), ("no-such-host.invalid", 1)])
def test_a_refusal_is_an_answer(host: str, code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KNOCK, host, "1"], capture_output=True, check=False, timeout=60
    )
    assert ended.returncode == code
