"""Where a run and its twin part: by how much, and which part of the response time grew."""

from dataclasses import dataclass

from orchestrator.client_measures import Figures
from orchestrator.dimensions import TIME, format_value
from orchestrator.parts import MEASURES_OF_PARTS

PARTED = {"response_time_mean": 0.03, "response_time_p99": 0.05}
"""By what share of the predicted a figure may differ: more than the twin's own error."""


@dataclass(frozen=True)
class Parting:
    """A figure that measured and predicted part in, in seconds, and the part that accounts for it.

    ``grew_s`` is by how much the mean of that part differs, of ``differs_s`` in all.
    """

    measure: str
    measured_s: float
    predicted_s: float
    part: str
    grew_s: float
    differs_s: float

    def __str__(self) -> str:
        measured, predicted, grew, differs = (
            format_value(each, TIME)
            for each in (self.measured_s, self.predicted_s, self.grew_s, self.differs_s)
        )
        share = self.measured_s / self.predicted_s - 1
        return (
            f"{self.measure} is {measured}, predicted {predicted} ({share:+.1%}): "
            f"{self.part} differs by {grew} of {differs} in the mean"
        )


def parting(measured: Figures, predicted: Figures) -> Parting | None:
    """Return the first figure of `PARTED` in which they differ by more; None where none does."""
    for name, tolerance in PARTED.items():
        ours_s, theirs_s = measured[name], predicted[name]
        if ours_s and theirs_s and abs(ours_s / theirs_s - 1) > tolerance:
            part, grew_s = _culprit(measured, predicted)
            differs_s = (measured["response_time_mean"] or 0) - (
                predicted["response_time_mean"] or 0
            )
            return Parting(name, ours_s, theirs_s, part, grew_s, differs_s)
    return None


def _culprit(measured: Figures, predicted: Figures) -> tuple[str, float]:
    """Return the part whose mean differs most, and by how much."""
    differs_s = {
        name: (measured[name] or 0.0) - (predicted[name] or 0.0) for name in MEASURES_OF_PARTS
    }
    name = max(differs_s, key=lambda each: abs(differs_s[each]))
    return name, differs_s[name]
