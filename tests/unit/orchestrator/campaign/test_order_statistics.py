"""Exact distributions, against printed tables and against counting."""

from itertools import combinations

import numpy as np
import pytest

from orchestrator.campaign.order_statistics import (
    binomial_tail,
    ends,
    holm,
    mann_whitney_tail,
    median_depth,
    paired_p,
    pairs_p,
    shift_depth,
    student_tail,
)


def test_a_fair_coin() -> None:
    assert [binomial_tail(heads, 4) for heads in range(-1, 5)] == [
        0,
        1 / 16,
        5 / 16,
        11 / 16,
        15 / 16,
        1,
    ]


@pytest.mark.parametrize(("first", "second"), [(1, 1), (3, 4), (4, 3), (5, 5)])
def test_the_mann_whitney_distribution_is_that_of_all_arrangements(first: int, second: int) -> None:
    places = range(first + second)
    found = []
    for chosen in combinations(places, first):
        others = [each for each in places if each not in chosen]
        found.append(sum(one > other for one in chosen for other in others))
    for count in range(first * second + 1):
        expected = sum(each <= count for each in found) / len(found)
        assert mann_whitney_tail(count, first, second) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "depth", "coverage"),
    # David and Nagaraja's formula by hand; 95% is reached from six values on.
    [(1, 1, 0.0), (2, 1, 0.5), (4, 1, 0.875), (5, 1, 0.9375), (6, 1, 0.96875), (7, 1, 0.984375),
     (9, 2, 0.9609375), (12, 3, 0.96142578125), (20, 6, 0.95861053466796875)],
)  # fmt: skip
def test_an_interval_of_a_median_is_the_narrowest_that_covers_enough(
    values: int, depth: int, coverage: float
) -> None:
    assert median_depth(values) == (depth, coverage)


def test_the_ends_are_counted_from_both_sides() -> None:
    assert ends(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), 2) == (2.0, 4.0)


def test_a_shift_of_two_samples() -> None:
    """Five and five: 4 of 252 arrangements have U <= 2, 7 have U <= 3."""
    depth, coverage = shift_depth(5, 5)
    assert depth == 3
    assert coverage == pytest.approx(1 - 8 / 252)
    assert shift_depth(1, 1) == (1, 0.0)


@pytest.mark.parametrize(
    ("statistic", "freedom"),
    # The 97.5% points of Student's t, as printed in every table.
    [(12.7062, 1), (4.3027, 2), (3.1824, 3), (2.7764, 4), (2.4469, 6), (2.2281, 10), (2.0930, 19)],
)
def test_students_distribution(statistic: float, freedom: int) -> None:
    assert student_tail(statistic, freedom) == pytest.approx(0.025, abs=2e-5)
    assert student_tail(-statistic, freedom) == pytest.approx(0.975, abs=2e-5)


def test_differences_of_pairs() -> None:
    assert paired_p(np.array([1.0, 2.0, 3.0])) == pytest.approx(0.0371, abs=1e-4)  # t = 3.4641
    assert paired_p(np.array([2.0, 2.0])) == 0
    assert paired_p(np.zeros(5)) == paired_p(np.array([1.0])) == 1
    assert paired_p(np.array([np.inf] * 5)) == 1 / 32


def test_differences_of_all_pairs() -> None:
    assert pairs_p(np.ones((5, 5))) == pytest.approx(1 / 252)
    assert pairs_p(np.zeros((5, 5))) == 1


def test_holm_keeps_the_order_and_never_exceeds_one() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []
