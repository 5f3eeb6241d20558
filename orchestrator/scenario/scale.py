"""How much load a scenario may ask for: of clients that run, and of a prediction that runs none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "scale"
"""Under which the context of a validation has it."""


@dataclass(frozen=True)
class Scale:
    """Most users at once in a case, and most messages of a closed and arrivals of an open group."""

    users: int
    messages: int
    arrivals: int


RUN = Scale(users=10_000, messages=10_000_000, arrivals=1_000_000)
PREDICTION = Scale(users=2_000_000, messages=10_000_000, arrivals=10_000_000)


def scale_of(context: Mapping[str, Any] | None) -> Scale:
    """Return the scale that a validation is made for: that of a run, unless it says otherwise."""
    scale = (context or {}).get(KEY, RUN)
    assert isinstance(scale, Scale)  # noqa: S101 for the type checker
    return scale
