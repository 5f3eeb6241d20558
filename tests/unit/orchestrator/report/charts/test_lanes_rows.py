from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.charts.lanes import MAX_ROWS, shared_rows

SPANS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda s: (s[0], s[0] + s[1]))
)


def test_nothing_takes_one_row() -> None:
    assert shared_rows([]) == (1, [])


def test_what_follows_shares_a_row_and_what_overlaps_does_not() -> None:
    assert shared_rows([(0, 2), (2, 4), (1, 3)]) == (2, [0, 0, 1])


@given(SPANS)
def test_no_two_in_a_row_overlap_and_there_are_no_more_rows_than_needed(
    spans: list[tuple[int, int]],
) -> None:
    rows, row_of = shared_rows(spans)
    at_once = max((sum(b <= t < e for b, e in spans) for t, _ in spans), default=1)
    assert rows == min(at_once, MAX_ROWS)
    if at_once <= MAX_ROWS:
        for row in range(rows):
            own = sorted(span for span, its in zip(spans, row_of, strict=True) if its == row)
            assert all(end <= begin for (_, end), (begin, _) in pairwise(own))
