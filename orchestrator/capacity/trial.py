"""What one trial says: a run of a case at one load, as far as its verdict needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from orchestrator.twin.parameters import Overhead

Flags = npt.NDArray[np.bool_]
"""A flag for each message due after the warm-up, in the order in which they were due."""


@dataclass(frozen=True)
class Lateness:
    """Which messages of a trial were beyond the limit of one percentile objective.

    ``late`` is measured; a message without an ack is late. ``predicted`` are the same messages in
    the trial's own twin, with the same draws; None if there is no twin.
    """

    late: Flags
    predicted: Flags | None = None


@dataclass(frozen=True)
class Trial:
    """One valid trial at ``load``, with the texts of objectives as keys.

    ``lateness`` has the objectives of a percentile. ``margins`` has all others: how far the left
    side is on the wrong side of the right one, as a share of the right one (of 1 if that is 0), so
    that the objective holds below 0; None if a measure is missing. ``broken`` says why the load
    cannot hold whatever these are: a backlog that grows, arrivals dropped, errors; else empty.
    """

    load: float
    seed: int
    lateness: Mapping[str, Lateness] = field(default_factory=dict)
    margins: Mapping[str, float | None] = field(default_factory=dict)
    utilization: float | None = None
    broken: str = ""
    overhead: Overhead | None = None
