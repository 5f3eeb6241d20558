"""Shares of a load, as a test needs them."""

from typing import Any

from labkit.workload.load_order import CLOSED, GroupOrder, Share


def share_of(replica: int = 0, place: int = 0, **changes: Any) -> Share:  # noqa: ANN401
    """Return the share of one replica; ``changes`` are fields of the group, or ``timeout_s``."""
    timeout_s = changes.pop("timeout_s", 20.0)
    group = GroupOrder(
        **{
            "name": "clients",
            "replicas": 1,
            "loop": CLOSED,
            "initial": 1,
            "messages": 1,
            "demand_limit_s": 60.0,
            **changes,
        }
    )
    return Share(replica, place, group, "127.0.0.1:1", seed=7, timeout_s=timeout_s)
