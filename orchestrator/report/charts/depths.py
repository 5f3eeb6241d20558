"""How many waited in each queue and how many were in service, beneath a timeline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.records import Steps
from orchestrator.report.charts.units import Units

ROW_HEIGHT = 28
GAP = 10


@dataclass(frozen=True)
class DepthRow:
    """A queue over time: ``path`` is an area that stands on the lower edge of its row."""

    y: int
    height: int
    name: str
    label: str
    style: str
    path: str


def depth_rows(
    depths: Sequence[tuple[str, Steps]], units: Units, peaks: Sequence[int], begin_y: int
) -> list[DepthRow]:
    """Return a row for each of ``depths``, those of ``peaks`` as high as a row is."""
    found = []
    y = begin_y + 24
    for (name, steps), peak in zip(depths, peaks, strict=True):
        path = area(steps, units.at, y + ROW_HEIGHT, ROW_HEIGHT / max(peak, 1))
        label = f"{name}: {steps.peak} at most"
        found.append(DepthRow(y, ROW_HEIGHT, name, label, name.replace(" ", "-"), path))
        y += ROW_HEIGHT + GAP
    return found


def area(steps: Steps, at: Callable[[int], float], base: float, unit_height: float) -> str:
    """Return ``steps`` as an area on ``base``, each level ``unit_height`` high, to the last one."""
    if not steps.instants_ns:
        return ""
    path = [f"M{at(steps.instants_ns[0]):g} {base:g}"]
    for instant_ns, level in zip(steps.instants_ns, steps.levels, strict=True):
        path.append(f"H{at(instant_ns):g}V{base - level * unit_height:.1f}")
    return "".join([*path, f"V{base:g}z"])
