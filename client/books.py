"""What became of every message: rows of samples, and counts that always add up."""

from array import array
from struct import Struct

from client.user import Phase, User
from labkit.samples import FAILURES, OUTCOMES, Row, pack

CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
ACKED, IN_FLIGHT = CODES["acked"], CODES["in_flight"]
WIDTH = len(Row._fields)
_row = Struct(f"={WIDTH}Q").pack  # twice as fast as extending an array by a tuple


class Books:
    """The record of one client; planned = sent + unsent, sent = acked + failed + in flight.

    ``end_ns`` is when the fate of the last message was known.
    """

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
        self.end_ns = now_ns
        self._rows.frombytes(
            _row(user.number, user.message, user.due_ns, user.sent_ns, now_ns, ACKED)
        )

    def record_end(self, user: User, now_ns: int, failure: str | None) -> None:
        """Note how a user ended, its message in flight with it; None is without a failure.

        A message that nobody answered in time may still be in service: it stays in flight.
        """
        if failure is not None:
            self.errors[failure] += 1
        if user.unsent:
            self.unsent += user.unsent
            self.end_ns = now_ns
        if user.phase is not Phase.WAITING:
            return
        code = IN_FLIGHT if failure in {None, "timed_out"} else CODES[failure]
        self.in_flight += code == IN_FLIGHT
        self.failed += code != IN_FLIGHT
        self.end_ns = now_ns
        self._rows.frombytes(
            _row(user.number, user.message, user.due_ns, user.sent_ns, now_ns, code)
        )

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

    def response_times_s(self) -> list[float]:
        """Return due → acked of every message that was acknowledged, in the order of the acks."""
        rows = self._rows
        columns = zip(rows[2::WIDTH], rows[4::WIDTH], rows[5::WIDTH], strict=True)
        return [(ended_ns - due_ns) / 1e9 for due_ns, ended_ns, code in columns if code == ACKED]

    def packed(self) -> bytes:
        """Return the samples as they travel; see `labkit.samples`."""
        return pack(self._rows)
