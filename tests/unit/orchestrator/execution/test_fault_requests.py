"""Faults that a person asks for: each request is answered at once, or refused."""

import os
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution import fault_requests
from orchestrator.execution.backend import BackendError
from orchestrator.execution.background import in_background
from orchestrator.execution.fault_requests import (
    FAULT_SOCKET,
    HAS_ENDED,
    MOST_AGE_NS,
    NO_LOAD,
    TOO_OLD,
    FaultAsker,
    FaultRequest,
    FaultRequests,
    age_refusal,
    inherited_requests,
)
from orchestrator.scenario.faults import Fault

NOWHERE = Path("/nowhere")
DEADLINE_S = 20.0


def same(fault: Fault) -> Fault:
    return fault


class Ends(NamedTuple):
    """Both ends of the socket."""

    asker: FaultAsker
    requests: FaultRequests
    socket: socket.socket


@pytest.fixture
def ends() -> Iterator[Ends]:
    asker = FaultAsker()
    own = socket.socket(fileno=os.dup(asker.run_end))
    asker.started()
    requests = FaultRequests(own, same, NOWHERE)
    yield Ends(asker, requests, own)
    requests.close()
    asker.close()


def test_a_request_gets_its_answer(ends: Ends) -> None:
    for refusal in ("", "the server has ended", "x" * 10_000, "\udc80"):
        answer = in_background(lambda: ends.asker.ask("pause", "500ms"))
        request = ends.requests.wait(DEADLINE_S)
        assert request is not None
        assert request[1:] == ("pause", "500ms")
        ends.requests.answer(request, refusal)
        assert answer.result(DEADLINE_S)[:5] == refusal[:5].replace("\udc80", "?")


def test_without_an_answer_no_server_is_under_load(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_requests, "ANSWER_S", 0.01)
    assert ends.asker.ask("pause", "1s") == NO_LOAD
    late = ends.requests.wait(DEADLINE_S)
    assert late is not None
    ends.requests.answer(late, "this comes too late")
    monkeypatch.undo()
    answer = in_background(lambda: ends.asker.ask("kill-worker", None))
    request = ends.requests.wait(DEADLINE_S)
    assert request is not None
    assert request.fault == "kill-worker"
    ends.requests.answer(request, "and this does not")
    assert answer.result(DEADLINE_S) == "and this does not"


def test_the_end_of_the_run_is_noticed(ends: Ends) -> None:
    answer = in_background(lambda: ends.asker.ask("pause", "1s"))
    assert ends.requests.wait(DEADLINE_S) is not None
    ends.socket.shutdown(socket.SHUT_RDWR)
    assert answer.result(DEADLINE_S) == HAS_ENDED
    assert ends.asker.ask("pause", "1s") == HAS_ENDED


def test_closing_ends_a_request(ends: Ends) -> None:
    answer = in_background(lambda: ends.asker.ask("pause", "1s"))
    assert ends.requests.wait(DEADLINE_S) is not None
    ends.asker.close()
    assert answer.result(DEADLINE_S) == HAS_ENDED
    assert ends.asker.ask("pause", "1s") == HAS_ENDED


def test_a_run_whose_starter_has_ended_waits_on_without_requests(ends: Ends) -> None:
    """It would else find the closed socket ready, again and again."""
    ends.asker.close()
    assert ends.requests.wait(DEADLINE_S) is None
    begun_s = time.monotonic()
    assert ends.requests.wait(0.05) is None
    assert time.monotonic() - begun_s >= 0.05


def test_it_is_woken_once_and_for_all(ends: Ends) -> None:
    waiting = in_background(lambda: ends.requests.wait(None))
    ends.requests.wake()
    assert waiting.result(DEADLINE_S) is None
    assert ends.requests.wait(None) is None


@given(st.binary(min_size=1, max_size=100) | st.just(b'{"asked_ns":1,"fault":[],"lasts":null}'))
def test_what_is_no_request_is_none(message: bytes) -> None:
    asker = FaultAsker()
    own = socket.socket(fileno=os.dup(asker.run_end))
    requests = FaultRequests(own, same, NOWHERE)
    asker._own.send(message)  # noqa: SLF001 nothing else sends such messages
    assert requests.wait(DEADLINE_S) is None
    requests.close()
    asker.started()
    asker.close()


def test_a_request_is_for_the_load_during_which_it_was_asked() -> None:
    now_ns = time.monotonic_ns()
    assert age_refusal(FaultRequest(now_ns, "pause", "1s"), now_ns - 5) == ""
    assert age_refusal(FaultRequest(now_ns, "pause", "1s"), now_ns + 5) == NO_LOAD
    old = FaultRequest(now_ns - MOST_AGE_NS, "pause", "1s")
    assert age_refusal(old, now_ns - 2 * MOST_AGE_NS) == TOO_OLD


def test_a_run_that_nobody_has_given_a_socket_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FAULT_SOCKET, raising=False)
    with inherited_requests(same, NOWHERE) as requests:
        assert requests is None


def test_each_run_listens_on_the_inherited_socket(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FAULT_SOCKET, str(ends.socket.fileno()))
    for _ in range(2):
        answer = in_background(lambda: ends.asker.ask("pause", "1s"))
        assert select.select([ends.socket], [], [], DEADLINE_S)[0]
        with inherited_requests(same, NOWHERE) as requests:
            assert requests is not None
            request = requests.wait(DEADLINE_S)
            assert request is not None
            requests.answer(request, "")
        assert answer.result(DEADLINE_S) == ""


def test_a_variable_that_names_no_socket_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "file").open("w") as file:
        for descriptor in ("x", "-1", "99999", "9" * 30, str(file.fileno())):
            monkeypatch.setenv(FAULT_SOCKET, descriptor)
            with (
                pytest.raises(BackendError, match=f"{FAULT_SOCKET} does not name an open socket"),
                inherited_requests(same, NOWHERE),
            ):
                pass
