import io
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.samples import (
    FAILURES,
    OUTCOMES,
    ConnectionRow,
    Row,
    connection_rows,
    pack,
    read_request_id,
    request_id,
    rows,
    unpack,
)

CELLS = st.integers(0, 2**64 - 1)
ROWS = st.lists(st.builds(Row, *[CELLS] * len(Row._fields)), max_size=20)
CONNECTION_ROWS = st.lists(
    st.builds(ConnectionRow, *[CELLS] * len(ConnectionRow._fields)), max_size=20
)
STORED = pack(array("Q", range(14)), Row._fields)


def cells(table: list[Row] | list[ConnectionRow]) -> "array[int]":
    return array("Q", [cell for row in table for cell in row])


@given(ROWS)
def test_messages_survive_their_file(table: list[Row]) -> None:
    stored = pack(cells(table), Row._fields)
    assert list(rows(stored)) == table
    assert unpack(stored, Row._fields) == cells(table)


@given(CONNECTION_ROWS)
def test_connections_survive_their_file(table: list[ConnectionRow]) -> None:
    assert list(connection_rows(pack(cells(table), ConnectionRow._fields))) == table


@given(ROWS)
def test_numpy_reads_a_file_in_one_call(table: list[Row]) -> None:
    loaded = np.load(io.BytesIO(pack(cells(table), Row._fields)), allow_pickle=False)
    assert loaded.dtype.names == Row._fields
    assert loaded.shape == (len(table),)
    for column in Row._fields:
        assert loaded.dtype[column] == np.dtype("<u8")
        assert loaded[column].tolist() == [getattr(row, column) for row in table]


@given(ROWS)
def test_what_numpy_writes_is_the_same_file(table: list[Row]) -> None:
    written = io.BytesIO()
    np.save(written, np.array(table, [(column, "<u8") for column in Row._fields]))
    assert written.getvalue() == pack(cells(table), Row._fields)


def test_the_numbers_begin_where_the_format_wants_them() -> None:
    """At a multiple of 64 bytes, after a line (NEP 1)."""
    assert (len(STORED) - 14 * 8) % 64 == 0
    assert STORED[-14 * 8 - 1 :][:1] == b"\n"


@given(st.integers(0, len(STORED) - 1))
def test_a_file_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"not a \.npy file|bytes are not"):
        unpack(STORED[:length], Row._fields)


@given(at=st.integers(0, len(STORED) - 14 * 8 - 1), byte=st.integers(0, 255))
def test_a_header_that_was_damaged_is_refused_or_says_the_same(at: int, byte: int) -> None:
    damaged = STORED[:at] + bytes([byte]) + STORED[at + 1 :]
    try:
        found = unpack(damaged, Row._fields)
    except ValueError:
        return
    assert found == array("Q", range(14))


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(stored: bytes) -> None:
    for bytes_ in (stored, STORED[:8] + stored, STORED + stored + b"\0"):
        with pytest.raises(ValueError, match=r"not a \.npy file|bytes are not|columns"):
            unpack(bytes_, Row._fields)


def test_other_columns_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"its columns are .*'first_byte_ns'.*, not user, begun_ns"
    ):
        unpack(STORED, ConnectionRow._fields)


def test_every_failure_is_an_outcome_with_a_code_of_its_own() -> None:
    """Stored results have the codes, so a new outcome comes last."""
    assert len(set(OUTCOMES)) == len(OUTCOMES)
    assert OUTCOMES[2:-1] == FAILURES


@given(st.tuples(*[st.integers(0, 999_999_999)] * 3))
def test_a_request_id_is_read_as_it_was_made(numbers: tuple[int, int, int]) -> None:
    assert read_request_id(request_id(*numbers)) == numbers


@pytest.mark.parametrize(
    "text", ["", "r1.c2", "r1.c2.m", "r1.c2.m3.", "r1.c2.m-3", "c2.r1.m3", "r1.c2.m\u0663",
             "r1.c2.m3\n", "r1.c2.m1234567890"],
)  # fmt: skip
def test_anything_else_is_no_request_id(text: str) -> None:
    assert read_request_id(text) is None
