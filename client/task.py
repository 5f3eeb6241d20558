"""What one client is to do, and where."""

from dataclasses import dataclass

from client.resolve import Address
from labkit.workload.load_order import Share


@dataclass(frozen=True)
class Task:
    """A share of a load, and the resolved address of its target."""

    family: int
    address: Address
    share: Share
