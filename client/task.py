"""What one client is to do."""

from dataclasses import dataclass

from client.resolve import Address
from client.user import Script


@dataclass(frozen=True)
class Task:
    """For how many users, against which address, and until when.

    ``address`` is resolved. ``first_user`` is the number of its first user over all replicas.
    """

    family: int
    address: Address
    script: Script
    users: int
    first_user: int = 0
    think_time_s: float = 0.0
    timeout_s: float = 120.0
