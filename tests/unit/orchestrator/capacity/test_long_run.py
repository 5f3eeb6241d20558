import numpy as np
import pytest

from orchestrator.capacity.long_run import (
    CHUNK,
    Budget,
    Share,
    long_run,
    predicted_capacity,
    settling_s,
)
from orchestrator.twin.predict import NoTwinError
from tests.unit.orchestrator.capacity.case_fixtures import (
    DEMAND_S,
    OBJECTIVE,
    capacity_per_s,
    closed_twin,
    open_twin,
)


def test_the_dispersion_of_independent_messages_is_one() -> None:
    late = np.random.default_rng(1).random(200_000) < 0.01
    found = Share.of(late)
    assert found.share == pytest.approx(0.01, rel=0.1)
    assert 1 <= found.dispersion < 1.4
    assert found.error == pytest.approx((0.01 * 0.99 / 200_000) ** 0.5, rel=0.2)


def test_the_dispersion_of_clumps_is_their_size() -> None:
    clumps = np.random.default_rng(1).random(10_000) < 0.01
    assert Share.of(np.repeat(clumps, 20)).dispersion == pytest.approx(20, rel=0.35)


def test_that_no_message_is_late_is_not_certain() -> None:
    found = Share.of(np.zeros(40_000, np.bool_))
    assert (found.share, found.dispersion) == (0.0, 1.0)
    assert found.error == pytest.approx(1 / 40_000)


def test_few_messages_have_a_share_too() -> None:
    assert Share.of(np.array([True])).share == 1.0


@pytest.mark.parametrize(
    ("per_s", "workers", "expected_s"),
    [
        (50.0, 1, 0.5),  # 0.35 s: the least
        (90.0, 1, 10.0),  # 11.4 s: the most
        (450.0, 5, 2.28),
        (5_000.0, 5, 9.37),  # as if it were busy for 95% of the time
        (450.0, None, 0.5),
    ],
)
def test_a_queue_settles(per_s: float, workers: int | None, expected_s: float) -> None:
    assert settling_s(DEMAND_S, per_s, workers) == pytest.approx(expected_s, rel=0.01)


def test_without_a_twin_there_is_no_long_run() -> None:
    twin = open_twin(1, kind="unheard of")
    assert long_run(twin, 50.0, Budget()) is None
    with pytest.raises(NoTwinError):
        predicted_capacity(twin, 50.0)


@pytest.mark.slow
def test_a_long_run_at_the_capacity_has_the_allowed_share() -> None:
    found = long_run(open_twin(1), capacity_per_s(1), Budget(1.0))
    assert found is not None
    share = found.shares[OBJECTIVE]
    assert share.share == pytest.approx(0.01, abs=3 * share.error)
    assert CHUNK < share.messages < 1.05 * Budget.messages


@pytest.mark.slow
def test_a_long_run_ends_when_its_share_is_known() -> None:
    """Of independent messages, each late with p = 1/2, few are enough."""
    objective = "p50 < 6.93ms"  # the median of the demand; nobody waits at this rate
    found = long_run(open_twin(1, [objective]), 1.0, Budget(30.0))
    assert found is not None
    assert found.shares[objective].messages < 2 * CHUNK


def test_a_budget_for_longer_trials_has_a_smaller_error() -> None:
    assert Budget(4.0, 400_000, 0.05).times(4) == Budget(16.0, 1_600_000, 0.025)


@pytest.mark.slow
def test_a_long_run_takes_no_longer_than_it_may() -> None:
    first, other = (
        long_run(open_twin(2), capacity_per_s(2), Budget(0.0), seed=seed) for seed in (1, 2)
    )
    assert first is not None
    assert first.shares[OBJECTIVE].messages == pytest.approx(CHUNK, rel=0.05)
    assert first != other


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "start_per_s"), [(1, 2_000.0), (4, 20.0)])
def test_the_capacity_of_a_twin(workers: int, start_per_s: float) -> None:
    found = predicted_capacity(open_twin(workers), start_per_s, cpu_s=1.0)
    assert found == pytest.approx(capacity_per_s(workers), rel=0.1)


@pytest.mark.slow
def test_the_capacity_by_a_value() -> None:
    """M/M/1: the mean response is 1 / (mu - lambda)."""
    found = predicted_capacity(open_twin(1, ["response_time_mean < 20ms"]), 10.0, cpu_s=0.5)
    assert found == pytest.approx(50.0, rel=0.1)


@pytest.mark.slow
def test_users_are_whole() -> None:
    """Four users wait for two workers: with a mean of 15 ms, at most so many."""
    found = predicted_capacity(closed_twin(["response_time_mean < 15ms"]), 1.0, is_whole=True)
    assert found is not None
    assert found == int(found)
    assert 3 <= found <= 6


@pytest.mark.slow
def test_what_never_holds_has_no_capacity() -> None:
    assert predicted_capacity(open_twin(1, ["p99 < 1us"]), 50.0) is None
