"""A user with a script: its messages in flight, and the acks that came for them. No sockets."""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic_ns

from client.behaviours import BEHAVIOURS, OneAck
from client.user import User
from client.wording import Wording
from labkit.protocol.session import ACK
from labkit.workload.load_order import GroupOrder

RECV_BYTES = 4096


@dataclass(slots=True)
class Flight:
    """A message on its way; see `labkit.wire.wire.samples.Row`."""

    number: int
    message: int
    due_ns: int
    sent_ns: int
    first_byte_ns: int = 0


class Talker(User):
    """A user that does what the script of its behaviour says.

    ``reads``: whether it takes what comes; ``owed``: how many acks its step still waits for;
    ``is_sending``: whether it waits for the kernel to take a message.
    """

    __slots__ = (
        "_limit", "_stream", "depth", "flights", "is_blocked", "is_sending", "mask", "owed",
        "pace_s", "reads", "script", "step",
    )  # fmt: skip

    def __init__(
        self, number: int, wording: Wording, group: GroupOrder, due_ns: int, stop_ns: int
    ) -> None:
        super().__init__(number, wording, due_ns, stop_ns)
        self.depth = group.pipeline
        self.pace_s = group.pace_s
        self.flights: deque[Flight] = deque()
        self.script = BEHAVIOURS[group.behaviour](self)
        self.step: object = None
        self.reads = True
        self.owed = 0
        self.mask = 0
        self.is_sending = self.is_blocked = False
        self._limit = group.messages or sys.maxsize
        self._stream = b""

    def messages(self) -> Iterator[bytes]:
        """Yield each message as its turn comes; it counts as sent."""
        while self.message < self._limit and (now_ns := monotonic_ns()) < self.stop_ns:
            text = self.next_message()
            self.flights.append(Flight(self.number, self.message, now_ns, now_ns))
            self.message += 1
            yield text

    @property
    def in_flight(self) -> int:
        """How many messages were sent and not acknowledged."""
        return len(self.flights)

    @property
    def read_bytes(self) -> int:
        """How much to read at once."""
        return len(ACK) - len(self._stream) if isinstance(self.step, OneAck) else RECV_BYTES

    def awaits(self, message: int) -> bool:
        """Tell whether the ack of ``message`` is still to come."""
        return any(flight.message == message for flight in self.flights)

    def take(self, segment: bytes, now_ns: int) -> tuple[list[Flight], str | None]:
        """Return the messages that ``segment`` acknowledges, and a failure, if it is one."""
        self._stream += segment
        acked: list[Flight] = []
        while self._stream.startswith(ACK) and self.flights:
            self._stream = self._stream[len(ACK) :]
            acked.append(self.flights.popleft())
        self.owed = max(self.owed - len(acked), 0)
        if not self._stream:
            return acked, None
        if not self.flights:
            return acked, "surplus_reply"
        if not ACK.startswith(self._stream):
            return acked, "bad_reply"
        self.flights[0].first_byte_ns = self.flights[0].first_byte_ns or now_ns
        return acked, None
