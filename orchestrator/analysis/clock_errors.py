"""The errors of measures of a run on several clocks, which join instants of two of them.

A measure that does not change when all clients are moved in time is of one side only, and exact.
"""

import math
from collections.abc import Sequence

from orchestrator.analysis.statistics import Figures
from orchestrator.measures.bounds import AtLeast, Within

OF_CLIENTS = (
    "makespan", "throughput", "goodput", "response_time_", "exchange_time_", "send_delay_",
    "connect_time_",
)  # fmt: skip
"""How the measures begin that are times between two instants of one client, or rates of them."""

OF_SERVER = ("time_in_service", "peak_in_service", "utilization")
"""Measures of instants of the server; moved clients may cut off a part of a service, no more."""

ROUNDING = 1e-9
"""A change of less, as a share of the value, is one of floats."""


BETWEEN_CLIENTS = "start_spread"
"""A time from an instant of one client to one of another."""


def with_errors(figures: Figures, ends: Sequence[Figures], apart_s: float = 0.0) -> Figures:
    """Return ``figures``, each `Within` its error if that is not 0.

    ``ends`` are the same figures with the clients moved to either end of the error of their clocks.
    A wait changes by as much as they are moved; of other figures that is taken to be the most, too.
    ``apart_s`` is the error between two clients: 0 if all have the same clock.
    """
    found = {
        name: value if name in OF_SERVER else _with_error(value, [end.get(name) for end in ends])
        for name, value in figures.items()
    }
    spread_s = found.get(BETWEEN_CLIENTS)
    if apart_s and spread_s is not None:
        found[BETWEEN_CLIENTS] = Within(spread_s, apart_s)
    return found


def _with_error(value: float | None, ends: Sequence[float | None]) -> float | None:
    """Return a figure with its error; a lower bound stays one."""
    if value is None or isinstance(value, AtLeast) or not math.isfinite(value):
        return value
    error = max((abs(end - value) for end in ends if end is not None), default=0.0)
    return Within(value, error) if error > ROUNDING * abs(value) else value


def of_one_client(figures: Figures) -> Figures:
    """Return those of ``figures`` that are times between two instants of one client."""
    return {name: value for name, value in figures.items() if name.startswith(OF_CLIENTS)}
