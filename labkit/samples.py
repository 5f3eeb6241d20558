"""The raw record of what a client did: one row of unsigned 64-bit numbers for each message sent.

Rows are appended while the load runs and leave the process after it; little-endian on the wire and
in ``samples-*.bin``. Instants are CLOCK_MONOTONIC nanoseconds. No statistics here.
"""

import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple

FAILURES = ("refused", "reset", "timed_out", "closed_early", "bad_reply", "unreachable")
"""How a user's connection can fail; the first that happens ends the user."""

OUTCOMES = ("in_flight", "acked", *FAILURES)
"""What became of a message that was sent, in the order of their codes."""


class Row(NamedTuple):
    """One message sent: by which user (from 0 over all replicas), its number (from 0), its fate.

    ``due_ns``: when the user meant to send it; ``sent_ns``: just before the send call;
    ``ended_ns``: when its fate was known. ``outcome`` is an index into `OUTCOMES`.
    """

    user: int
    message: int
    due_ns: int
    sent_ns: int
    ended_ns: int
    outcome: int


def pack(values: "array[int]") -> bytes:
    """Return rows, laid out one after another in ``values``, as they travel and are stored."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def unpack(stored: bytes) -> Iterator[Row]:
    """Yield the rows of ``stored``.

    Raises:
        ValueError: it does not hold whole rows.
    """
    width = len(Row._fields)
    values = array("Q")
    values.frombytes(stored)
    if len(values) % width:
        raise ValueError(f"{len(values)} numbers are no whole rows of {width}")
    if sys.byteorder == "big":
        values.byteswap()
    cells = iter(values)
    return (Row(*row) for row in zip(*[cells] * width, strict=True))


def request_id(replica: int, user: int, message: int) -> str:
    """Return the id that this message carries, unique in its run: ``r3.c12.m4``, each from 0."""
    return f"r{replica}.c{user}.m{message}"
