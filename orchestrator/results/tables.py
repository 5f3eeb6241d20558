"""Tables of many rows: structured arrays of numpy with named columns.

A row is a message or a connection, and a case may have ten million. Columns take a tenth of the
time and memory of objects. A row of a message has 112 B, so what needs some of the rows takes a
`Selection`, and no copy.
"""

from array import array
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Table: TypeAlias = npt.NDArray[np.void]
Rows: TypeAlias = npt.NDArray[np.intp]
Keys: TypeAlias = npt.NDArray[np.uint64]
Flags: TypeAlias = npt.NDArray[np.bool_]
NOWHERE = -1
"""The position of a key that was not found."""


class Selection:
    """Some rows of a table, in its order; a column is copied when it is asked for."""

    def __init__(self, table: Table, is_chosen: Flags) -> None:
        self._table = table
        self._is_chosen = is_chosen
        self._rows = int(np.count_nonzero(is_chosen))

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        cells: npt.NDArray[Any] = self._table[column][self._is_chosen]
        return cells

    def narrowed(self, is_chosen: Flags) -> "Selection":
        """Return those of its rows that are chosen."""
        both = self._is_chosen.copy()
        both[both] = is_chosen
        return Selection(self._table, both)

    def at(self, rows: Rows) -> Table:
        """Return a copy of some of its rows, numbered from 0."""
        copied: Table = self._table[np.flatnonzero(self._is_chosen)[rows]]
        return copied


Columns: TypeAlias = Table | Selection
"""Rows of which single columns are read."""


def select(rows: Columns, is_chosen: Flags) -> Columns:
    """Return the rows that are chosen, without a copy of any."""
    if is_chosen.all():
        return rows
    return rows.narrowed(is_chosen) if isinstance(rows, Selection) else Selection(rows, is_chosen)


def rows_at(table: Columns, rows: Rows) -> Table:
    """Return a copy of some rows."""
    return table.at(rows) if isinstance(table, Selection) else table[rows]


def table_of(columns: Sequence[str], cells: "array[int]") -> Table:
    """Return rows of unsigned 64-bit numbers, one after another in ``cells``, as a table.

    They share their memory, so ``cells`` can grow no more.
    """
    return np.frombuffer(cells, dtype=[(column, "=u8") for column in columns])


def positions(keys: Keys, wanted: Keys) -> Rows:
    """Return the first position of each of ``wanted`` in ``keys``, `NOWHERE` if there is none."""
    if not len(keys):
        return np.full(len(wanted), NOWHERE, dtype=np.intp)
    order = np.argsort(keys, kind="stable")
    found = order[np.searchsorted(keys, wanted, sorter=order).clip(max=len(keys) - 1)]
    return np.where(keys[found] == wanted, found, NOWHERE)


def pair_keys(high: Keys, low: Keys) -> Keys:
    """Return a number for each pair, equal for equal pairs; ``low`` is below 2**32."""
    return high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)


def begins_of_runs(keys: Keys) -> Rows:
    """Return where each run of equal keys begins; of sorted keys, the first row of each."""
    is_first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def gather(table: Table, column: str, rows: Rows) -> Keys:
    """Return a column's cells at ``rows``, 0 for `NOWHERE`."""
    cells = np.zeros(len(rows), dtype=np.uint64)
    known = rows != NOWHERE
    cells[known] = table[column][rows[known]]
    return cells


def user_keys(table: Columns) -> Keys:
    """Return a number for each row's user; each replica numbers its users from 0."""
    return pair_keys(table["replica"], table["user"])
