"""Tables of many rows: structured arrays of numpy, columns by name.

One row a message or a connection, a million of them in a case: what would take seconds and
gigabytes as objects takes a tenth of both as columns.
"""

from array import array
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Table: TypeAlias = npt.NDArray[np.void]
Rows: TypeAlias = npt.NDArray[np.intp]
Keys: TypeAlias = npt.NDArray[np.uint64]
NOWHERE = -1


def table_of(columns: Sequence[str], cells: "array[int]") -> Table:
    """Return rows of unsigned 64-bit numbers, one after another in ``cells``, as a table."""
    return np.frombuffer(cells.tobytes(), dtype=[(column, "=u8") for column in columns])


def positions(keys: Keys, wanted: Keys) -> Rows:
    """Return where each of ``wanted`` stands in ``keys``, `NOWHERE` for one that does not.

    Of equal keys the first counts.
    """
    if not len(keys):
        return np.full(len(wanted), NOWHERE, dtype=np.intp)
    order = np.argsort(keys, kind="stable")
    found = order[np.searchsorted(keys, wanted, sorter=order).clip(max=len(keys) - 1)]
    return np.where(keys[found] == wanted, found, NOWHERE)


def pair_keys(high: Keys, low: Keys) -> Keys:
    """Return a number for each pair, the same for the same; ``low`` below 2**32."""
    return high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)


def gather(table: Table, column: str, rows: Rows) -> Keys:
    """Return a column's cells at ``rows``, 0 where a row is `NOWHERE`."""
    cells = np.zeros(len(rows), dtype=np.uint64)
    known = rows != NOWHERE
    cells[known] = table[column][rows[known]]
    return cells


def user_keys(table: Table) -> Keys:
    """Return a number for each row's user: users are numbered anew in each replica's group."""
    return pair_keys(table["replica"], table["user"])
