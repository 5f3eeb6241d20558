"""The values of controls whose answers are computed before, for a page without a server."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.explore.play.controls import (
    CONSTANT,
    CPU,
    EXPONENTIAL,
    HIGHER,
    SLEEP,
    SLIDERS,
    Controls,
)

MOST_POINTS = 600
"""Of a grid. A point takes about 20 ms of CPU time, and 1 KB of the page."""

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Grid:
    """All combinations of the values of ``axes``, each a control by its name.

    Other controls have the values of ``controls``. The last axis varies fastest.
    """

    controls: Controls
    axes: tuple[tuple[str, Values], ...]

    @property
    def points(self) -> list[Controls]:
        """The controls of each point."""
        names = [name for name, _ in self.axes]
        return [
            replace(self.controls, **dict(zip(names, values, strict=True)))
            for values in itertools.product(*(values for _, values in self.axes))
        ]

    @property
    def size(self) -> int:
        """The number of points."""
        size = 1
        for _, values in self.axes:
            size *= len(values)
        return size

    def smaller(self) -> "Grid":
        """Return the grid without its last axis."""
        return replace(self, axes=self.axes[:-1])


def grid_around(controls: Controls) -> Grid:
    """Return the grid for ``controls``: as many axes as `MOST_POINTS` allow."""
    grid = Grid(controls, ())
    for axis in _axes(controls):
        larger = replace(grid, axes=(*grid.axes, axis))
        if larger.size <= MOST_POINTS:
            grid = larger
    return grid


def _axes(controls: Controls) -> Iterator[tuple[str, Values]]:
    """Yield the axes, those that teach most first."""
    c, workers = controls, controls.workers
    if c.is_open:
        rates = (c.rate_per_s * factor // 4 for factor in (1, 2, 3, 4, 5, 6, 8, 12))
        yield _axis("rate_per_s", *rates, c.rate_per_s)
    else:
        crossing = (1, workers, workers + 1, 2 * workers, 2 * workers + 1)
        yield _axis("users", *crossing, c.users, c.users + 1, 3 * c.users)
    yield _axis("workers", 1, 2, workers, workers + 1, 2 * workers)
    yield "variability", (CONSTANT, EXPONENTIAL, HIGHER)
    yield "work", (SLEEP, CPU)
    yield _axis("long_ms", 0, c.long_ms or 10 * c.service_ms)
    yield _axis("silent_ms", 0, c.silent_ms or 1000)
    if not c.is_open:
        yield _axis("think_ms", 0, c.think_ms or c.service_ms)
    yield _axis("backlog", 1, c.backlog)


def _axis(name: str, *values: int) -> tuple[str, Values]:
    """Return an axis with ``values``, as far as the control allows them."""
    (slider,) = (each for each in SLIDERS if each.name == name)
    return name, tuple(sorted({each for each in values if slider.low <= each <= slider.high}))
