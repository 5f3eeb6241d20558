"""The raw record of what a client did: a table of messages and one of connections.

Rows of unsigned 64-bit numbers, appended while the load runs; they leave the process after it, as
``.npy`` files that ``numpy.load`` reads in one call (NumPy Enhancement Proposal 1, version 1.0).
Instants are CLOCK_MONOTONIC nanoseconds, 0 for what never happened. No statistics here.
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
"""How a connection can fail; the first that happens ends it."""

OUTCOMES = ("in_flight", "acked", *FAILURES)
"""What became of a message that was sent, in the order of their codes."""

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
    """One message sent: by which user (of its group, from 0), its number (from 0), its fate.

    ``due_ns``: when it was to be sent; ``sent_ns``: just before the send call; ``first_byte_ns``:
    when an answer began to arrive; ``ended_ns``: when its fate was known. ``outcome`` is an index
    into `OUTCOMES`. In an open loop ``message`` is the number of the arrival in its group.
    """

    user: int
    message: int
    due_ns: int
    sent_ns: int
    first_byte_ns: int
    ended_ns: int
    outcome: int


class ConnectionRow(NamedTuple):
    """One connection: whose it was, when it was asked for, established and over.

    ``outcome`` is 0 where it ended in good order, else 1 + an index into `FAILURES`; ``port`` is
    the client's own.
    """

    user: int
    begun_ns: int
    connected_ns: int
    ended_ns: int
    outcome: int
    port: int


def pack(values: "array[int]", columns: Sequence[str]) -> bytes:
    """Return a table as a ``.npy`` file; ``values`` are its rows, one after another."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    shape = (len(values) // len(columns),)
    header = f"{{'descr': {_description(columns)}, 'fortran_order': False, 'shape': {shape!r}, }}"
    unpadded = len(_MAGIC) + _length.size + len(header) + 1
    padded = header.encode("ascii") + b" " * (-unpadded % _ALIGNMENT) + b"\n"
    return _MAGIC + _length.pack(len(padded)) + padded + values.tobytes()


def unpack(stored: bytes, columns: Sequence[str]) -> "array[int]":
    """Return the rows of a ``.npy`` file that `pack` made, one after another.

    Raises:
        ValueError: it is none, it has other columns, or it does not hold all of its rows.
    """
    header = _HEADER.match(stored)
    if header is None:
        raise ValueError("not a .npy file of version 1.0 with one row after another")
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
    """Yield the messages of a file of samples; see `unpack` for what it raises."""
    cells = iter(unpack(stored, Row._fields))
    return (Row(*row) for row in zip(*[cells] * len(Row._fields), strict=True))


def connection_rows(stored: bytes) -> Iterator[ConnectionRow]:
    """Yield the connections of a file of them; see `unpack` for what it raises."""
    cells = iter(unpack(stored, ConnectionRow._fields))
    return (ConnectionRow(*row) for row in zip(*[cells] * len(ConnectionRow._fields), strict=True))


def request_id(replica: int, user: int, message: int) -> str:
    """Return the id that this message carries, unique in its run: ``r3.c12.m4``, each from 0."""
    return f"r{replica}.c{user}.m{message}"


def read_request_id(text: str) -> tuple[int, int, int] | None:
    """Return replica, user and message of an id that `request_id` made, None of any other."""
    numbers = _REQUEST_ID.fullmatch(text)
    return None if numbers is None else (int(numbers[1]), int(numbers[2]), int(numbers[3]))
