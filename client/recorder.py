"""The record of every message and connection: tables of samples, and counts that add up."""

from array import array
from struct import Struct
from typing import Protocol

from client.connection import Connection
from labkit.wire.histogram import BUCKETS, LONGER, OCTAVES, SHORT, UNIT_BITS, bucket_of
from labkit.wire.samples import FAILURES, OUTCOMES, ConnectionRow, Row, pack

CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
ACKED, IN_FLIGHT, RETRIED = CODES["acked"], CODES["in_flight"], CODES["retried"]
WIDTH = len(Row._fields)
SHORTS = len(SHORT)
LONGS = SHORTS << OCTAVES
_row = Struct(f"={WIDTH}Q").pack  # twice as fast as extending an array by a tuple


class Sent(Protocol):
    """A message that was sent: its user, its number, and its timestamps."""

    number: int
    message: int
    due_ns: int
    sent_ns: int
    first_byte_ns: int


class Recorder:
    """The record of one client; planned = sent + unsent, sent = acked + failed + in flight.

    ``sent`` is counted by the loop when it sends, the outcomes when they are known, so that the sum
    can fail. ``retries``, the further attempts of messages, are counted like ``sent``; each attempt
    has a row, so rows = sent + retries. ``end_ns`` is when the outcome of the last message was
    known. ``times`` is the histogram of how long messages took that were acked or failed; see
    `labkit.wire.histogram`.
    """

    def __init__(self) -> None:
        self.errors = dict.fromkeys(FAILURES, 0)
        self.sent = 0
        self.acked = 0
        self.failed = 0
        self.in_flight = 0
        self.unsent = 0
        self.retries = 0
        self.end_ns = 0
        self.times = [0] * BUCKETS
        self._rows = array("Q")
        self._append = self._rows.frombytes
        self._connections = array("Q")

    def record_ack(self, sent: Sent, now_ns: int) -> None:
        """Record that a message was acknowledged.

        The look-up of the bucket takes a third of the time of `bucket_of`.
        """
        self.acked += 1
        units = (now_ns - sent.due_ns) >> UNIT_BITS
        if units < SHORTS:
            self.times[SHORT[units]] += 1
        elif units < LONGS:
            self.times[SHORT[units >> OCTAVES] + LONGER] += 1
        else:
            self.times[bucket_of(now_ns - sent.due_ns)] += 1
        self.end_ns = now_ns
        first_byte_ns = sent.first_byte_ns or now_ns
        self._append(
            _row(sent.number, sent.message, sent.due_ns, sent.sent_ns, first_byte_ns, now_ns, ACKED)
        )

    def record_loss(self, sent: Sent, now_ns: int, failure: str | None) -> None:
        """Record that no ack was received for a message.

        It failed, by an error or a time-out; or, if ``failure`` is None, the client left it in
        flight.
        """
        code = IN_FLIGHT if failure is None else CODES[failure]
        if failure is not None:
            self.times[bucket_of(now_ns - sent.due_ns)] += 1
        self.in_flight += code == IN_FLIGHT
        self.failed += code != IN_FLIGHT
        self.end_ns = now_ns
        self._append(
            _row(
                sent.number, sent.message, sent.due_ns, sent.sent_ns,
                sent.first_byte_ns, now_ns, code,
            )
        )  # fmt: skip

    def record_retried(self, sent: Sent, ended_ns: int) -> None:
        """Record an attempt that timed out at ``ended_ns``, as its message is sent again."""
        self._append(
            _row(
                sent.number, sent.message, sent.due_ns, sent.sent_ns,
                sent.first_byte_ns, ended_ns, RETRIED,
            )
        )  # fmt: skip

    def record_unsent(self, messages: int, now_ns: int) -> None:
        """Record messages that were planned and will never be sent."""
        if messages:
            self.unsent += messages
            self.end_ns = now_ns

    def record_connection(self, connection: Connection, now_ns: int, failure: str | None) -> None:
        """Record how a connection ended; ``failure`` is None if nothing failed."""
        if failure is not None:
            self.errors[failure] += 1
        code = 0 if failure is None else 1 + FAILURES.index(failure)
        row = ConnectionRow(
            connection.user.number,
            connection.begun_ns,
            connection.connected_ns,
            now_ns,
            code,
            connection.port,
        )
        self._connections.extend(row)

    @property
    def counts(self) -> dict[str, int]:
        """The number of messages by outcome."""
        return {
            "sent": self.sent,
            "acked": self.acked,
            "failed": self.failed,
            "unsent": self.unsent,
            "in_flight": self.in_flight,
            "retries": self.retries,
        }

    def response_times_s(self) -> list[float]:
        """Return due → acked of every acknowledged message, in the order of the acks."""
        rows = self._rows
        names = ("due_ns", "ended_ns", "outcome")
        due, ended, outcome = (Row._fields.index(name) for name in names)
        columns = zip(rows[due::WIDTH], rows[ended::WIDTH], rows[outcome::WIDTH], strict=True)
        return [(ended_ns - due_ns) / 1e9 for due_ns, ended_ns, code in columns if code == ACKED]

    def packed(self) -> tuple[bytes, bytes]:
        """Return messages and connections as they are sent; see `labkit.wire.samples`."""
        return pack(self._rows, Row._fields), pack(self._connections, ConnectionRow._fields)
