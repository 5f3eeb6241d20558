"""Which messages are sent again: the budget holds at every instant, and pauses can be repeated."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.workload.load_order import OPEN, GroupOrder
from labkit.workload.retries import (
    MOST_SAVED,
    Backoff,
    BackoffError,
    RetryBudget,
    RetryPolicy,
    parse_backoff,
)

PERCENT = st.integers(0, 1000)
GROUP = GroupOrder("clients", 1, OPEN, 10.0, attempts=3, backoff="doubling(100ms, most=300ms)")


@given(percent=PERCENT, events=st.lists(st.booleans(), max_size=400))
def test_retries_are_at_every_instant_at_most_the_share_of_the_first_attempts(
    percent: int, events: list[bool]
) -> None:
    budget, firsts, retries = RetryBudget(percent / 100), 0, 0
    for is_first in events:
        if is_first:
            budget.deposit()
            firsts += 1
        else:
            retries += budget.withdraw()
        assert retries * 100 <= percent * firsts


@given(percent=PERCENT, firsts=st.integers(0, 300))
def test_who_always_asks_gets_the_whole_share(percent: int, firsts: int) -> None:
    budget, retries = RetryBudget(percent / 100), 0
    for _ in range(firsts):
        budget.deposit()
        while budget.withdraw():
            retries += 1
    assert retries == percent * firsts // 100


@given(percent=PERCENT, firsts=st.integers(0, 2000))
def test_what_was_not_used_is_saved_up_to_a_limit(percent: int, firsts: int) -> None:
    budget = RetryBudget(percent / 100)
    for _ in range(firsts):
        budget.deposit()
    retries = 0
    while budget.withdraw():
        retries += 1
    assert retries == min(percent * firsts // 100, max(MOST_SAVED, percent // 100 + 1))


def test_no_budget_is_no_limit() -> None:
    budget = RetryBudget(None)
    assert all(budget.withdraw() for _ in range(1000))


@pytest.mark.parametrize(
    ("text", "backoff"),
    [
        ("100ms", Backoff(0.1)),
        ("0ms", Backoff(0.0)),
        ("doubling(100ms)", Backoff(0.1, 10.0)),
        ("doubling(100ms, most=2s)", Backoff(0.1, 2.0)),
    ],
)
def test_a_pause_is_a_duration_or_doubles(text: str, backoff: Backoff) -> None:
    assert parse_backoff(text) == backoff


@pytest.mark.parametrize(
    "text", ["", "100", "exponential(1s)", "doubling()", "doubling(1s, 2s)", "doubling(1s, most=x)"]
)
def test_another_text_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(BackoffError, match=r"is not a pause .* doubling\(100ms, most=2s\)"):
        parse_backoff(text)


@given(retry=st.integers(1, 10_000), draw=st.floats(0, 1))
def test_a_doubling_pause_is_below_its_limit(retry: int, draw: float) -> None:
    pause_s = parse_backoff("doubling(100ms, most=2s)").pause_s(retry, draw)
    assert 0 <= pause_s <= min(0.1 * 2.0 ** min(retry - 1, 20), 2.0) * draw + 1e-12


def test_a_constant_pause_is_the_same_before_each_retry() -> None:
    backoff = parse_backoff("100ms")
    assert [backoff.pause_s(retry, 0.5) for retry in (1, 2, 3)] == [0.1] * 3


def test_the_pauses_are_spread_evenly() -> None:
    policy = RetryPolicy(GROUP, seed=1)
    pauses_ns = [policy.pause_ns(message, 1) or 0 for message in range(2000)]
    assert len(set(pauses_ns)) == 2000
    assert max(pauses_ns) < 100_000_000
    mean_ms = sum(pauses_ns) / 2000 / 1e6
    assert mean_ms == pytest.approx(50, abs=4 * 100 / math.sqrt(12 * 2000))


def test_the_pauses_depend_on_the_seed_the_message_and_the_attempt_only() -> None:
    def pauses(seed: int, group: GroupOrder = GROUP) -> list[int | None]:
        policy = RetryPolicy(group, seed)
        return [policy.pause_ns(message, attempt) for message in (1, 2) for attempt in (1, 2)]

    assert pauses(7) == pauses(7) == pauses(7, replace(GROUP, replicas=5, retry_budget=None))
    assert len(set(pauses(7))) == 4
    assert not set(pauses(7)) & set(pauses(8))
    assert not set(pauses(7)) & set(pauses(7, replace(GROUP, name="others")))


def test_the_last_attempt_is_not_repeated_and_costs_nothing() -> None:
    policy = RetryPolicy(replace(GROUP, retry_budget=1.0), seed=1)
    policy.count_first()
    assert policy.pause_ns(0, attempt=3) is None
    assert policy.pause_ns(0, attempt=2) is not None
    assert policy.pause_ns(0, attempt=1) is None  # nothing is left of the budget
