"""What repeats allow to be said, against cases that can be told by hand."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.campaign.bootstrap import (
    MIN_REPEATS,
    intervals,
    medians,
    rank,
    share_of_resamples,
)
from orchestrator.measures.bounds import AtLeast
from orchestrator.measures.expression import parse_expression

values = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=12)


def repeats(column: list[float]) -> list[dict[str, float | None]]:
    return [{"makespan": each} for each in column]


@given(values)
def test_a_median_is_that_of_the_standard_library(column: list[float]) -> None:
    assert medians(repeats(column)) == {"makespan": pytest.approx(statistics.median(column))}


def test_a_value_that_one_repeat_lacks_has_no_median_and_no_interval() -> None:
    rounds: list[dict[str, float | None]] = [*repeats([1.0] * MIN_REPEATS), {"makespan": None}]
    assert medians(rounds) == {"makespan": None}
    assert intervals(rounds) == {}
    assert share_of_resamples(parse_expression("makespan < 2s"), rounds) is None


def test_few_repeats_have_no_interval() -> None:
    assert intervals(repeats([1.0] * (MIN_REPEATS - 1))) == {}


@given(values.filter(lambda column: len(column) >= MIN_REPEATS))
def test_an_interval_lies_within_the_values_around_their_median(column: list[float]) -> None:
    low, high = intervals(repeats(column))["makespan"]
    assert min(column) <= low <= statistics.median(column) <= high <= max(column)


def test_intervals_cover_the_true_median_about_as_often_as_they_promise() -> None:
    """Of a bootstrap of eleven values somewhat less than 95%, by far more than half."""
    source = random.Random(7)  # noqa: S311 a sample, no secret
    covered = 0
    for _ in range(200):
        sample = [source.expovariate(1) for _ in range(11)]
        low, high = intervals(repeats(sample))["makespan"]
        covered += low <= 0.6931 <= high  # ln 2
    assert 0.85 < covered / 200 <= 1.0


def test_the_same_repeats_give_the_same_verdict() -> None:
    rounds = repeats([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    expression = parse_expression("makespan < 3.6s")
    shares = {share_of_resamples(expression, rounds) for _ in range(3)}
    assert len(shares) == 1
    assert 0.4 < (shares.pop() or 0) < 0.8


def test_an_expression_of_numbers_needs_no_values() -> None:
    assert share_of_resamples(parse_expression("1 < 2"), repeats([1.0] * 5)) == 1.0


def test_pairs_tell_apart_what_medians_alone_cannot() -> None:
    """A host that slows down from round to round, and a model that is always 1% behind."""
    host = [100.0, 90.0, 80.0, 70.0, 60.0, 50.0]
    columns = {"ours": host, "theirs": [each * 0.99 for each in host]}
    assert rank(columns, least_first=False) == [["ours"], ["theirs"]]
    assert rank(columns, least_first=True) == [["theirs"], ["ours"]]


def test_what_cannot_be_told_apart_shares_a_rank() -> None:
    source = random.Random(3)  # noqa: S311 a sample, no secret
    columns = {
        name: [base + source.random() for _ in range(7)]
        for name, base in (("a", 10.0), ("b", 10.0), ("c", 20.0))
    }
    ranks = rank(columns, least_first=False)
    assert [sorted(each) for each in ranks] == [["c"], ["a", "b"]]
    assert rank({"a": [1.0] * 5, "b": [1.0] * 5}, least_first=True) == [["a", "b"]]


def test_a_median_is_a_lower_bound_only_if_the_repeats_could_increase_it() -> None:
    exact, bound = {"p99": 3.0}, {"p99": AtLeast(1.0)}
    assert not isinstance(medians([exact, exact, {"p99": AtLeast(4.0)}])["p99"], AtLeast)
    found = medians([exact, bound, bound])["p99"]
    assert isinstance(found, AtLeast)
    assert found == 1.0
