"""Tables of many rows, against lists and dictionaries."""

from array import array

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.results.tables import (
    NOWHERE,
    Keys,
    Selection,
    begins_of_runs,
    gather,
    pair_keys,
    positions,
    rows_at,
    select,
    table_of,
    user_keys,
)

CELLS = st.integers(0, 2**64 - 1)
FEW = st.integers(0, 9)  # so that keys repeat, and some are missing
LOW = st.integers(0, 2**32 - 1)


def keys_of(numbers: list[int]) -> Keys:
    return np.array(numbers, dtype=np.uint64)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_cells_become_rows_of_named_columns(rows: list[tuple[int, int]]) -> None:
    table = table_of(["user", "sent_ns"], array("Q", [cell for row in rows for cell in row]))
    assert table.dtype.names == ("user", "sent_ns")
    assert table.tolist() == rows


def test_an_incomplete_row_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        table_of(["user", "sent_ns"], array("Q", [1, 2, 3]))


@given(st.lists(FEW | CELLS, max_size=20), st.lists(FEW | CELLS, max_size=20))
def test_a_position_is_the_first_of_its_key_or_nowhere(keys: list[int], wanted: list[int]) -> None:
    found = positions(keys_of(keys), keys_of(wanted)).tolist()
    assert found == [keys.index(key) if key in keys else NOWHERE for key in wanted]


@given(st.lists(st.tuples(LOW, LOW), max_size=20))
@example([(0, 1 << 31), (1, 0)])
@example([(1 << 31, 0), (0, 0)])
def test_pairs_have_equal_keys_if_and_only_if_they_are_equal(pairs: list[tuple[int, int]]) -> None:
    high, low = ([pair[place] for pair in pairs] for place in (0, 1))
    keys = pair_keys(keys_of(high), keys_of(low)).tolist()
    assert len(set(keys)) == len(set(pairs))
    assert sorted(range(len(pairs)), key=pairs.__getitem__) == sorted(
        range(len(pairs)), key=keys.__getitem__
    )


@given(st.lists(CELLS, min_size=1, max_size=5), st.data())
def test_gathered_cells_are_those_of_the_rows_and_0_for_nowhere(
    cells: list[int], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.just(NOWHERE) | st.integers(0, len(cells) - 1), max_size=8))
    found = gather(table_of(["sent_ns"], array("Q", cells)), "sent_ns", np.array(rows, np.intp))
    assert found.tolist() == [0 if row == NOWHERE else cells[row] for row in rows]


@given(
    st.lists(st.tuples(CELLS, st.booleans(), st.booleans()), max_size=20),
    st.lists(st.integers(0, 1_000), max_size=5),
)
def test_a_selection_has_the_columns_and_rows_of_a_copy(
    rows: list[tuple[int, bool, bool]], places: list[int]
) -> None:
    table = table_of(
        ["user", "sent_ns"], array("Q", [cell for row in rows for cell in (1, row[0])])
    )
    first, second = (np.array([row[place] for row in rows], bool) for place in (1, 2))
    selected = select(select(table, first), second[first])
    copied = table[first & second]
    assert len(selected) == len(copied)
    assert selected["sent_ns"].tolist() == copied["sent_ns"].tolist()
    wanted = np.array([place % len(copied) for place in places if len(copied)], np.intp)
    assert rows_at(selected, wanted).tolist() == copied[wanted].tolist()


def test_a_selection_of_all_rows_is_the_table_itself() -> None:
    table = table_of(["user"], array("Q", [1, 2]))
    assert select(table, np.array([True, True])) is table
    part = select(table, np.array([True, False]))
    assert isinstance(part, Selection)
    assert select(part, np.array([True])) is part


@given(st.lists(FEW, max_size=20))
def test_a_run_begins_where_the_key_is_another_than_before(keys: list[int]) -> None:
    expected = [n for n, key in enumerate(keys) if not n or key != keys[n - 1]]
    assert begins_of_runs(keys_of(keys)).tolist() == expected


def test_users_of_different_replicas_are_different() -> None:
    table = table_of(["replica", "user"], array("Q", [0, 1, 1, 0, 0, 1, 1, 1]))
    keys = user_keys(table).tolist()
    assert keys[0] == keys[2]
    assert len(set(keys)) == 3
