"""The measures that are known while a load runs, in the order in which messages name them."""

from orchestrator.measures.percentiles import share_of
from orchestrator.measures.registry import full_name

LIVE_COUNTS = ("acked", "errors", "failed", "in_flight", "sent", "unsent")
TIMED = "response_time_"
ALLOWED = (*LIVE_COUNTS, "percentiles of response_time")
"""All of them, for a message."""


def is_live(own_name: str) -> bool:
    """Return whether the measure ``own_name`` is known while the load runs."""
    return own_name in LIVE_COUNTS or live_share(own_name) is not None


def live_share(own_name: str) -> float | None:
    """Return 0.99 for ``response_time_p99`` or ``p99``; None if it is no such percentile."""
    name = full_name(own_name)
    return share_of(name.removeprefix(TIMED)) if name.startswith(TIMED) else None
