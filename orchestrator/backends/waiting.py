"""Waiting for what another program does, with a deadline and without a fixed pause."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

POLL_S = 0.02


def await_true(condition: Callable[[], bool], deadline_s: float) -> bool:
    """Ask again and again until ``condition`` holds; tell whether it did in ``deadline_s``."""
    waiting = Retrying(
        retry=retry_if_result(lambda holds: not holds),
        stop=stop_after_delay(deadline_s),
        wait=wait_fixed(POLL_S),
        retry_error_callback=lambda _state: False,
    )
    return bool(waiting(condition))
