"""Timers for an event loop: functions to call at an instant. No threads, signals or waiting."""

import heapq
import time
from collections.abc import Callable
from itertools import count

MAX_DEAD = 64  # cancelled timers kept, beyond the number of active ones


class Timers:
    """Functions to call, ordered by the instant they are due, then by the order they were set."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int]] = []
        self._acts: dict[int, Callable[[], None]] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._acts)

    def after(self, delay_s: float, act: Callable[[], None]) -> int:
        """Call ``act`` in ``delay_s``; return the number to cancel it by."""
        return self.at(time.monotonic_ns() + round(delay_s * 1e9), act)

    def at(self, due_ns: int, act: Callable[[], None]) -> int:
        """Call ``act`` at ``due_ns`` of CLOCK_MONOTONIC; return the number to cancel it by."""
        number = next(self._numbers)
        self._acts[number] = act
        heapq.heappush(self._due, (due_ns, number))
        return number

    def cancel(self, number: int) -> None:
        """Remove a timer and release its function at once; no effect if it has fired already."""
        self._acts.pop(number, None)
        if len(self._due) > 2 * len(self._acts) + MAX_DEAD:
            self._due = [entry for entry in self._due if entry[1] in self._acts]
            heapq.heapify(self._due)

    def wait_s(self) -> float | None:
        """Return the time until the next timer is due, 0 if one is due; None without timers."""
        if not self._acts:
            return None
        return max(self._due[0][0] - time.monotonic_ns(), 0) / 1e9

    def fire(self) -> None:
        """Call every function that is due now, but no timer that one of these sets."""
        now_ns = time.monotonic_ns()
        while self._due and self._due[0][0] <= now_ns:
            act = self._acts.pop(heapq.heappop(self._due)[1], None)
            if act is not None:
                act()
