"""Views of a run: what an expectation may name before a measure beside a client group.

Windows around its faults, its slowest messages, and the run as its queueing twin has it.
"""

from collections.abc import Sequence

from orchestrator.measures.stages import MEASURES_OF_STAGES

WINDOWS = ("before", "during", "after")
"""Of a run that has faults; see `orchestrator.analysis.windows`."""


SLOWEST = "slowest"
"""The slowest requests of any run, by response time; see `orchestrator.analysis.breakdown`."""


PREDICTED, REPLAYED = "predicted", "replayed"
"""A run as its queueing twin has it, by how that was fed; see `orchestrator.twin.comparison`."""


VIEWS = (*WINDOWS, SLOWEST, PREDICTED, REPLAYED)
"""What stands before a measure, as a group does, and is none."""


MEASURED = (
    "throughput", "acked", "failed", "response_time_mean", "response_time_p50",
    "response_time_p99", "response_time_max",
)  # fmt: skip
"""What an expectation may ask of a window, ``during.throughput``."""


_SHARES = ("mean", "p50", "p90", "p99", "max")


SIMULATED = (
    "makespan", "throughput", "acked", *(f"response_time_{share}" for share in _SHARES),
    "response_time_p999", *(f"exchange_time_{share}" for share in _SHARES), "waiting_time_mean",
    "first_service_wait_p50", "first_service_wait_max", "peak_in_service", *MEASURES_OF_STAGES,
)  # fmt: skip
"""What it may ask of the twin, ``predicted.response_time_p99``."""


def views(*, has_faults: bool) -> dict[str, Sequence[str]]:
    """Return what there is to ask besides groups, and the measures that each has."""
    windows = WINDOWS if has_faults else ()
    return {
        **dict.fromkeys(windows, MEASURED),
        SLOWEST: tuple(MEASURES_OF_STAGES),
        PREDICTED: SIMULATED,
        REPLAYED: SIMULATED,
    }
