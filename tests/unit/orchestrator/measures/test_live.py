import pytest

from orchestrator.measures.live import LIVE_COUNTS, is_live, live_share
from orchestrator.measures.registry import MEASURES


@pytest.mark.parametrize("name", LIVE_COUNTS)
def test_a_live_count_has_the_name_of_a_measure(name: str) -> None:
    assert MEASURES[name].kind == "measured"
    assert is_live(name)
    assert live_share(name) is None


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("p99", 0.99),
        ("response_time_p50", 0.5),
        ("p99_5", 0.995),
        ("p999", 0.999),
        ("response_time_mean", None),
        ("exchange_time_p99", None),
        ("makespan", None),
    ],
)
def test_of_percentiles_those_of_the_response_time_are_live(name: str, share: float | None) -> None:
    found = live_share(name)
    assert found == (None if share is None else pytest.approx(share))
    assert is_live(name) is (share is not None)
