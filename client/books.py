"""What became of every message: rows of samples, and counts that always add up."""

from array import array

from client.user import Phase, User
from labkit.samples import FAILURES, OUTCOMES, pack

CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
ACKED = CODES["acked"]


class Books:
    """The record of one client; planned = sent + unsent, sent = acked + failed + in flight."""

    def __init__(self) -> None:
        self.errors = dict.fromkeys(FAILURES, 0)
        self.acked = 0
        self.failed = 0
        self.in_flight = 0
        self.unsent = 0
        self.end_ns = 0
        self._rows = array("Q")

    def record_ack(self, user: User, now_ns: int) -> None:
        """Note that the message in flight was acknowledged."""
        self.acked += 1
        self._record(user, now_ns, ACKED)

    def record_end(self, user: User, now_ns: int, failure: str | None) -> None:
        """Note how a user ended, its message in flight with it; None is as it should be.

        A message that nobody answered in time may still be in service: it stays in flight.
        """
        if failure is not None:
            self.errors[failure] += 1
        unsent = user.unsent
        if user.phase is Phase.WAITING:
            unsent -= 1
            is_lost = failure not in {None, "timed_out"}
            self.failed += is_lost
            self.in_flight += not is_lost
            self._record(user, now_ns, CODES[failure] if is_lost and failure else 0)
        self.unsent += unsent
        self.end_ns = self.end_ns or now_ns

    def _record(self, user: User, now_ns: int, code: int) -> None:
        self.end_ns = now_ns
        self._rows.extend((user.number, user.message, user.due_ns, user.sent_ns, now_ns, code))

    @property
    def counts(self) -> dict[str, int]:
        """How many messages went which way."""
        return {
            "sent": self.acked + self.failed + self.in_flight,
            "acked": self.acked,
            "failed": self.failed,
            "unsent": self.unsent,
            "in_flight": self.in_flight,
        }

    def packed(self) -> bytes:
        """Return the samples as they travel; see `labkit.samples`."""
        return pack(self._rows)
