"""The progress of a load, as it is reported while it runs. Measures come from the result only."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Pulse:
    """Messages acknowledged and failed so far, errors so far, connections open now."""

    acked: int = 0
    failed: int = 0
    errors: int = 0
    connections: int = 0


def sum_of(pulses: Iterable[Pulse]) -> Pulse:
    """Return the sum of each field."""
    return Pulse(*map(sum, zip(*map(astuple, [Pulse(), *pulses]), strict=True)))
