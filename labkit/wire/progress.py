"""How a load gets on, as it is told while it runs; what counts is the result."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Pulse:
    """Messages acknowledged and failed so far, errors so far, connections open at the moment."""

    acked: int = 0
    failed: int = 0
    errors: int = 0
    connections: int = 0


def sum_of(pulses: Iterable[Pulse]) -> Pulse:
    """Return all of them together."""
    return Pulse(*map(sum, zip(*map(astuple, [Pulse(), *pulses]), strict=True)))
