"""The raw record of what a client did: a table of messages and a table of connections.

Rows of unsigned 64-bit numbers, appended while the load runs and sent after it, as ``.npy`` files
that ``numpy.load`` reads in one call (NumPy Enhancement Proposal 1, version 1.0). Instants are
CLOCK_MONOTONIC nanoseconds, 0 if the event never happened. No statistics here.
"""

import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

FAILURES = (
    "refused", "reset", "timed_out", "closed_early", "bad_reply", "unreachable", "surplus_reply",
    "exhausted",
)  # fmt: skip
"""How a connection can fail; the first failure ends it."""

OUTCOMES = ("in_flight", "acked", *FAILURES, "retried")
"""The outcome of a message that was sent; the index is its code.

``retried`` is that of an attempt which timed out, after which the message was sent again.
"""

_MAGIC = b"\x93NUMPY\x01\x00"
_length = Struct("<H")
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': (\[.*?\]), 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,18}),\), \} *\n",
    re.DOTALL,
)
_ALIGNMENT = 64
_CELL_BYTES = 8
_REQUEST_ID = re.compile(r"r([0-9]{1,9})\.c([0-9]{1,9})\.m([0-9]{1,9})")


class Row(NamedTuple):
    """One message sent: its user (in the group, from 0), its number (from 0) and its outcome.

    A message that is sent again has a row for each attempt, all with the same ``due_ns``.

    ``due_ns``: when it was to be sent; ``sent_ns``: just before the send call; ``first_byte_ns``:
    when the first byte of the answer arrived; ``ended_ns``: when its outcome was known. ``outcome``
    is an index into `OUTCOMES`. In an open loop ``message`` is the arrival's number in the group.
    """

    user: int
    message: int
    due_ns: int
    sent_ns: int
    first_byte_ns: int
    ended_ns: int
    outcome: int


class ConnectionRow(NamedTuple):
    """One connection: its user, and when it was requested, established and closed.

    ``outcome`` is 0 if it was closed without a failure, else 1 + an index into `FAILURES`; ``port``
    is the client's port.
    """

    user: int
    begun_ns: int
    connected_ns: int
    ended_ns: int
    outcome: int
    port: int


def pack(values: "array[int]", columns: Sequence[str]) -> bytes:
    """Return a table as a ``.npy`` file; ``values`` are the cells, row by row."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    shape = (len(values) // len(columns),)
    header = f"{{'descr': {_description(columns)}, 'fortran_order': False, 'shape': {shape!r}, }}"
    unpadded = len(_MAGIC) + _length.size + len(header) + 1
    padded = header.encode("ascii") + b" " * (-unpadded % _ALIGNMENT) + b"\n"
    return b"".join((_MAGIC, _length.pack(len(padded)), padded, values))


def unpack(stored: bytes, columns: Sequence[str]) -> "array[int]":
    """Return the cells of a ``.npy`` file that `pack` made, row by row.

    Raises:
        ValueError: the file is not such a file, has other columns, or is not complete.
    """
    header = _HEADER.match(stored)
    if header is None:
        raise ValueError("not a .npy file of version 1.0 in row order")
    described = header[1].decode("latin-1")
    if described != _description(columns):
        raise ValueError(f"its columns are {described}, not {', '.join(columns)}")
    cells = int(header[2]) * len(columns)
    if len(stored) - header.end() != cells * _CELL_BYTES:
        raise ValueError(f"{len(stored) - header.end()} bytes are not {cells} numbers")
    values = array("Q")
    values.frombytes(stored[header.end() :])
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _description(columns: Sequence[str]) -> str:
    return repr([(column, "<u8") for column in columns])


def rows(stored: bytes) -> Iterator[Row]:
    """Yield the messages of a file of samples. Raises as `unpack` does."""
    cells = iter(unpack(stored, Row._fields))
    return (Row(*row) for row in zip(*[cells] * len(Row._fields), strict=True))


def connection_rows(stored: bytes) -> Iterator[ConnectionRow]:
    """Yield the connections of a file of connections. Raises as `unpack` does."""
    cells = iter(unpack(stored, ConnectionRow._fields))
    return (ConnectionRow(*row) for row in zip(*[cells] * len(ConnectionRow._fields), strict=True))


def request_id(replica: int, user: int, message: int) -> str:
    """Return the id of a message, unique in its run: ``r3.c12.m4``, each number from 0."""
    return f"r{replica}.c{user}.m{message}"


def read_request_id(text: str) -> tuple[int, int, int] | None:
    """Return replica, user and message of an id that `request_id` made; None for other texts."""
    numbers = _REQUEST_ID.fullmatch(text)
    return None if numbers is None else (int(numbers[1]), int(numbers[2]), int(numbers[3]))
