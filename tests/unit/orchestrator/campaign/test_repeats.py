"""What repeats allow to be said, against cases that can be told by hand."""

import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.campaign.order_statistics import median_depth
from orchestrator.campaign.repeats import (
    confidence_of,
    intervals,
    medians,
    rank,
)
from orchestrator.measures.bounds import AtLeast, Values, Within, error_of
from orchestrator.measures.expression import MIN_REPEATS, parse_expression

SAMPLES = 2_000

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
    assert confidence_of(parse_expression("makespan < 2s"), rounds) is None


def test_a_median_has_the_largest_error_of_its_repeats() -> None:
    rounds: list[Values] = [{"wait": Within(2.0, 0.1)}, {"wait": Within(1.0, 0.3)}, {"wait": 3.0}]
    found = medians(rounds)["wait"]
    assert (found, error_of(found)) == (2.0, 0.3)


def test_an_expectation_that_an_error_leaves_open_counts_as_undecided_in_its_repeat() -> None:
    least = parse_expression("waiting_time_mean < 10ms with 95%")
    rounds: list[Values] = [{"waiting_time_mean": 0.001}] * 7
    rounds.append({"waiting_time_mean": Within(0.0099, 0.001)})
    decided = [{"waiting_time_mean": 0.001}] * 8
    assert confidence_of(least, rounds, if_undecided=True) == confidence_of(least, decided)
    assert (confidence_of(least, rounds) or 0) < (confidence_of(least, decided) or 0)


def test_a_single_repeat_has_no_interval() -> None:
    assert intervals(repeats([1.0])) == {}


def test_few_repeats_have_the_widest_interval() -> None:
    assert intervals(repeats([2.0, 1.0, 5.0, 3.0])) == {"makespan": (1.0, 5.0)}


@given(values.filter(lambda column: len(column) >= MIN_REPEATS))
def test_an_interval_lies_within_the_values_around_their_median(column: list[float]) -> None:
    low, high = intervals(repeats(column))["makespan"]
    assert min(column) <= low <= statistics.median(column) <= high <= max(column)


@pytest.mark.parametrize("count", [2, 3, 5, 6, 7, 9, 12, 20])
def test_intervals_cover_the_true_median_as_often_as_they_say(count: int) -> None:
    """Of a skewed distribution, 2,000 times."""
    columns = np.random.default_rng([7, count]).exponential(size=(count, SAMPLES))
    named = [{str(n): float(value) for n, value in enumerate(row)} for row in columns]
    found = intervals(named)
    covered = sum(low <= math.log(2) <= high for low, high in found.values()) / SAMPLES
    assert covered == pytest.approx(median_depth(count)[1], abs=0.02)


@pytest.mark.parametrize("count", [5, 6, 7, 9, 13])
@pytest.mark.parametrize("text", ["makespan < 2s", "makespan ~= 1s within 100%"])
def test_an_expression_at_its_edge_passes_no_more_often_than_its_confidence_allows(
    text: str, count: int
) -> None:
    """The edge is the true median, so that the expression holds in half of all repeats."""
    expression, rng = parse_expression(text), np.random.default_rng([8, count])
    samples = rng.lognormal(math.log(2), 0.1, size=(SAMPLES // 5, count)).tolist()
    found = [confidence_of(expression, repeats(column)) or 0 for column in samples]
    for verdict in (each >= 0.95 for each in found), (each <= 0.05 for each in found):
        assert sum(verdict) / len(samples) <= 0.05 + 0.02


def test_the_confidence_is_that_of_the_sign_test() -> None:
    expression = parse_expression("makespan < 3.6s")
    found = confidence_of(expression, repeats([1.0, 2.0, 3.0, 3.1, 3.2, 5.0]))
    assert found == 1 - 7 / 64  # at least 5 of 6 heads: 6 + 1 of 64 ways


def test_a_median_surely_within_a_margin_is_so_although_single_repeats_are_not() -> None:
    spread = [0.7, 1.3] * 8
    assert (
        confidence_of(parse_expression("makespan ~= 1s within 10%"), repeats(spread)) or 1
    ) < 0.9
    assert (
        confidence_of(parse_expression("makespan ~= 1s within 40%"), repeats(spread)) or 0
    ) > 0.9


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("makespan < 2s", 1 / 64, 1 - 1 / 64),
        ("makespan > 500ms", 1 - 1 / 64, 1 - 1 / 64),
        ("makespan < 500ms", 1 / 64, 1 / 64),
        ("makespan ~= 2s within 10%", 1 / 64, 1 - 1 / 64),
    ],
)
def test_a_lower_bound_leaves_the_confidence_open(text: str, least: float, most: float) -> None:
    """What holds or fails at the bound may do otherwise above it, also between it and infinity."""
    rounds: list[dict[str, float | None]] = [{"makespan": AtLeast(1.0)} for _ in range(6)]
    expression = parse_expression(text)
    assert confidence_of(expression, rounds) == least
    assert confidence_of(expression, rounds, if_undecided=True) == most


def test_an_expression_of_numbers_holds_in_every_repeat() -> None:
    assert confidence_of(parse_expression("1 < 2"), repeats([1.0] * 5)) == 1 - 1 / 32


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


def test_what_lies_between_two_that_differ_joins_them() -> None:
    """All pairs count: neighbours in the order that cannot be told apart share a rank."""
    columns = {"a": [1.0, 1.1, 0.9, 1.0, 1.1, 0.9], "c": [1.5, 1.6, 1.4, 1.5, 1.6, 1.4]}
    assert rank(columns, least_first=True) == [["a"], ["c"]]
    columns["b"] = [0.5, 2.0, 0.4, 2.1, 1.2, 1.3]
    assert rank(columns, least_first=True) == [["a", "b", "c"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "count"), [("normal", 5), ("exponential", 7), ("standard_cauchy", 7)]
)
def test_four_identical_models_are_split_in_at_most_five_percent(draw: str, count: int) -> None:
    rng = np.random.default_rng([9, count])
    campaigns = getattr(rng, draw)(size=(SAMPLES, 4, count)).tolist()
    split = sum(
        len(rank(dict(zip("abcd", columns, strict=True)), least_first=True)) > 1
        for columns in campaigns
    )
    assert split / SAMPLES <= 0.05
