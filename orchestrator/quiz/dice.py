"""The random choices of a problem, the same for the same seed on every machine and Python."""

from collections.abc import Sequence
from typing import TypeVar

from labkit.workload.distributions import Draws

RARELY = 4
_Option = TypeVar("_Option")


class Dice:
    """A sequence of choices that depends only on ``seed``, ``purpose`` and ``number``."""

    def __init__(self, seed: int, purpose: str, number: int) -> None:
        self._draws = Draws(seed, purpose, "quiz")
        self._number = number
        self._thrown = 0

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, each as likely as the others."""
        share, _ = self._draws.pair(self._number, self._thrown)
        self._thrown += 1
        return low + int(share * (high - low + 1))

    def pick(self, options: Sequence[_Option]) -> _Option:
        """Return one of ``options``, at least one, each as likely as the others."""
        return options[self.whole(0, len(options) - 1)]

    def rarely(self) -> bool:
        """Return True once in `RARELY` times: to keep some of what is easily drawn."""
        return self.whole(1, RARELY) == 1

    def shuffled(self, options: Sequence[_Option]) -> list[_Option]:
        """Return ``options`` in an order in which each is as likely as the others."""
        left, order = list(options), list[_Option]()
        while left:
            order.append(left.pop(self.whole(0, len(left) - 1)))
        return order
