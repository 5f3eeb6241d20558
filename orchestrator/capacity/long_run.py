"""What the twin of a case says of a load: the share of late messages in a run that is long enough.

Pure simulation: no run, no clock but the CPU time that bounds it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.capacity.trial import Flags

TRIAL_MESSAGES = 2_000
"""Batches are as long as a trial, so that their sums vary as those of trials do."""

MIN_BATCHES = 20


@dataclass(frozen=True)
class Share:
    """The share of late messages in a long run of ``messages``.

    Late messages come in clumps: ``dispersion`` is the variance of their number in a batch over
    that of as many independent messages; 1 or more. ``error`` is the standard error of the share.
    """

    share: float
    dispersion: float
    messages: int

    @property
    def error(self) -> float:
        """The standard error; as if one clump had been seen if none was."""
        seen = max(self.share * (1 - self.share), self.dispersion / self.messages)
        return math.sqrt(self.dispersion * seen / self.messages)

    @classmethod
    def of(cls, late: Flags) -> "Share":
        """Return the share of ``late`` messages, which were due in this order."""
        share = float(late.mean())
        size = max(min(TRIAL_MESSAGES, len(late) // MIN_BATCHES), 1)
        sums = late[: len(late) // size * size].reshape(-1, size).sum(axis=1)
        independent = size * share * (1 - share)
        clumped = float(sums.var(ddof=1)) / independent if independent and len(sums) > 1 else 1.0
        return cls(share, max(clumped, 1.0), len(late))


@dataclass(frozen=True)
class LongRun:
    """The shares of late messages in the twin at ``load``, by the texts of objectives."""

    load: float
    shares: Mapping[str, Share] = field(default_factory=dict)
