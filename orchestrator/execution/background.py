"""Calls in threads that may be abandoned: they hold up neither an interrupt nor the program's end.

The threads of `concurrent.futures` are no substitute: the program waits for them when it ends.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import TypeVar

from orchestrator.execution.interrupts import is_interrupted

LOOK_EVERY_S = 0.1

T = TypeVar("T")
R = TypeVar("R")


def in_background(call: Callable[[], R]) -> Future[R]:
    """Begin ``call`` in a thread of its own, and return its result to come."""
    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as exc:  # it belongs to the thread that asks for the result
            future.set_exception(exc)

    threading.Thread(target=run, name="background", daemon=True).start()
    return future


def in_threads(call: Callable[[T], R], arguments: Iterable[T], threads: int) -> list[R]:
    """Call ``call`` once for each of ``arguments``, ``threads`` at a time; return the results.

    After a failure nothing more is begun. An interrupt does not wait for what has been begun.
    """
    pending = deque(enumerate(arguments))
    results: dict[int, R] = {}

    def work() -> None:
        while True:
            try:
                number, argument = pending.popleft()
            except IndexError:
                return
            try:
                results[number] = call(argument)
            except BaseException:
                pending.clear()
                raise

    workers = [in_background(work) for _ in range(min(threads, len(pending)))]
    try:
        wait(workers)
    finally:
        pending.clear()
    for worker in workers:
        worker.result()
    return [results[number] for number in sorted(results)]


def outlast(future: Future[R], is_lost: Callable[[], bool]) -> bool:
    """Wait for ``future``, also within a held section; return whether it has ended.

    After an interrupt it is given up as soon as ``is_lost``.
    """
    while not wait([future], LOOK_EVERY_S).done:
        if is_interrupted() and is_lost():
            return future.done()
    return True
