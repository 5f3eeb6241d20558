"""Rows for spans that overlap, so that each can be seen: as many as there are spans at a time."""

import heapq
from collections.abc import Sequence

MAX_ROWS = 48
"""More could not be told apart; beyond, rows are shared."""


def row_of_each(spans: Sequence[tuple[int, int]]) -> tuple[int, list[int]]:
    """Return how many rows the half-open ``spans`` take, at least 1, and the row of each.

    A span takes the lowest row that is free at its begin: the least number of rows there can be
    (interval partitioning; Kleinberg and Tardos 2006, 4.1).
    """
    found = [0] * len(spans)
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    rows = 0
    for index in sorted(range(len(spans)), key=lambda each: spans[each]):
        begin, end = spans[index]
        while busy and busy[0][0] <= begin:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            row = heapq.heappop(free)
        else:
            row, rows = rows, rows + 1
        found[index] = row
        heapq.heappush(busy, (end, row))
    count = max(1, min(rows, MAX_ROWS))
    return count, [row % count for row in found]
