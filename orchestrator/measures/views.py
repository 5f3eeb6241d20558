"""Views of a run: names that may stand before a measure like the name of a client group.

A view is a window around the faults, the slowest messages, or the run as its twin predicts it.
"""

from collections.abc import Sequence

from orchestrator.measures.percentiles import split_percentile
from orchestrator.measures.registry import find_measure
from orchestrator.measures.stages import MEASURES_OF_STAGES

WINDOWS = ("before", "during", "after")
"""Windows of a run that has faults; see `orchestrator.analysis.windows`."""

SLOWEST = "slowest"
"""The slowest requests by response time; see `orchestrator.analysis.breakdown`."""

PREDICTED, REPLAYED = "predicted", "replayed"
"""The run as simulated by its twin, from the scenario or from the load as it was measured."""

VIEWS = (*WINDOWS, SLOWEST, PREDICTED, REPLAYED)

MEASURED = (
    "throughput", "goodput", "acked", "failed", "in_flight", "response_time_mean",
    "response_time_p50", "response_time_p99", "response_time_max",
)  # fmt: skip
"""The measures of a window: ``during.throughput``."""

_STATISTICS = ("mean", "p50", "p90", "p99", "max")
SIMULATED = (
    "makespan", "throughput", "acked", *(f"response_time_{each}" for each in _STATISTICS),
    "response_time_p999", *(f"exchange_time_{each}" for each in _STATISTICS), "waiting_time_mean",
    "first_service_wait_p50", "first_service_wait_max", "peak_in_service", *MEASURES_OF_STAGES,
)  # fmt: skip
"""The measures of the twin: ``predicted.response_time_p99``."""


def views(*, has_faults: bool) -> dict[str, Sequence[str]]:
    """Return the views of a run, each with its measures."""
    windows = WINDOWS if has_faults else ()
    return {
        **dict.fromkeys(windows, MEASURED),
        SLOWEST: tuple(MEASURES_OF_STAGES),
        PREDICTED: SIMULATED,
        REPLAYED: SIMULATED,
    }


def is_among(name: str, measures: Sequence[str]) -> bool:
    """Return whether a view with ``measures`` has ``name``; of any percentile, it has all."""
    percentile = split_percentile(name)
    if percentile is None:
        return name in measures
    return f"{percentile[0]}_p50" in measures and find_measure(name) is not None
