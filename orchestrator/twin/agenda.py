"""What is to happen when: the heart of a simulation of discrete events."""

import heapq
from collections.abc import Callable
from typing import Any, TypeAlias

Act: TypeAlias = Callable[[int, Any], None]
"""What happens at an instant, to a subject."""


class Agenda:
    """Acts by their instants, in ns; those of one instant happen in the order set."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Act, Any]] = []
        self._count = 0

    def at(self, at_ns: int, act: Act, subject: Any = None) -> None:  # noqa: ANN401 the act knows it
        """Have ``act`` happen to ``subject`` at ``at_ns``."""
        self._count += 1
        heapq.heappush(self._due, (at_ns, self._count, act, subject))

    def run(self, until_ns: int) -> None:
        """Let everything happen that is due by ``until_ns``, and all that follows from it."""
        due, pop = self._due, heapq.heappop
        while due and due[0][0] <= until_ns:
            at_ns, _, act, subject = pop(due)
            act(at_ns, subject)
