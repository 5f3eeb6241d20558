"""The bytes of a group's messages: an id, an optional demand, and ETX."""

from labkit.protocol.framing import ETX
from labkit.wire.samples import request_id
from labkit.workload.distributions import Demands, Draws
from labkit.workload.load_order import OPEN, Share


class MessageFormat:
    """Prefixes and suffixes of messages; the number of the message stands between them.

    A demand is drawn by user and message, in an open loop by the arrival alone. ``constant`` is
    the suffix that all messages share, None if they differ.
    """

    def __init__(self, share: Share) -> None:
        group = share.group
        text = group.demand
        self._replica = share.replica
        self._is_open = group.loop == OPEN
        self._draws = Draws(share.seed, group.name, "demand")
        self._demands = None if text is None else Demands.parse(text, group.demand_limit_s)
        constant = b"" if self._demands is None else self._demands.constant
        self.constant = None if constant is None else constant + ETX

    def prefix(self, user: int) -> bytes:
        """Return what every message of ``user`` begins with; the message's number follows."""
        return request_id(self._replica, user, 0).removesuffix("0").encode("ascii")

    def suffix(self, user: int, message: int) -> bytes:
        """Return what follows the number of a message."""
        if self.constant is not None or self._demands is None:
            return self.constant or ETX
        return self._demands.of(self._draws, 0 if self._is_open else user, message) + ETX
