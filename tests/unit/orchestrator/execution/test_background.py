"""Calls in threads that nobody has to wait for."""

import threading
from concurrent.futures import Future

import pytest

from orchestrator.execution import background
from orchestrator.execution.background import in_background, in_threads, outlast


def test_a_result_or_a_failure_reaches_the_one_who_asks() -> None:
    assert in_background(lambda: 7).result(5) == 7
    assert in_threads(str, range(20), 4) == [str(number) for number in range(20)]
    with pytest.raises(ValueError, match="invalid literal"):
        in_threads(int, ["1", "x"], 2)


def test_no_call_keeps_the_program_from_its_end() -> None:
    has_begun, may_end, daemons = threading.Event(), threading.Event(), []

    def call() -> None:
        daemons.append(threading.current_thread().daemon)
        has_begun.set()
        may_end.wait(5)

    future = in_background(call)
    assert has_begun.wait(5)
    may_end.set()
    future.result(5)
    assert daemons == [True]


@pytest.mark.parametrize(
    ("interrupted", "lost", "ended"),
    [(True, True, False), (False, True, True), (True, False, True)],
)
def test_only_an_interrupt_gives_up_what_is_lost(
    interrupted: bool, lost: bool, ended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    future: Future[None] = Future()
    looks: list[int] = []

    def is_interrupted() -> bool:
        looks.append(1)
        if len(looks) == 3:
            future.set_result(None)
        return interrupted

    monkeypatch.setattr(background, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(background, "is_interrupted", is_interrupted)
    assert outlast(future, lambda: lost) is ended
