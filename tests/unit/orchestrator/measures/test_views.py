"""What may stand before a measure besides the name of a group."""

import pytest

from orchestrator.measures.registry import MEASURES
from orchestrator.measures.views import VIEWS, WINDOWS, is_among, views


@pytest.mark.parametrize("has_faults", [False, True])
def test_only_a_run_with_faults_has_windows(*, has_faults: bool) -> None:
    found = views(has_faults=has_faults)
    assert [view for view in found if view in WINDOWS] == (list(WINDOWS) if has_faults else [])
    assert set(VIEWS) - set(WINDOWS) <= set(found)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_measures_that_a_group_may_have_each_once(view: str) -> None:
    """An expectation may name them like those of a group: ``during.throughput``."""
    names = views(has_faults=True)[view]
    assert len(set(names)) == len(names) > 0
    assert all(MEASURES[name].kind == "measured" for name in names)
    assert [name for name in names if not MEASURES[name].is_of_group] == []


def test_no_view_has_the_name_of_a_measure() -> None:
    assert not set(VIEWS) & set(MEASURES)


def test_a_view_has_any_percentile_of_what_it_has_percentiles_of() -> None:
    of_windows, of_twin = views(has_faults=True)["after"], views(has_faults=True)["predicted"]
    assert is_among("response_time_p95", of_windows)
    assert is_among("response_time_p99_5", of_twin)
    assert is_among("first_service_wait_p90", of_twin)
    assert not is_among("exchange_time_p95", of_windows)
    assert not is_among("send_delay_p95", of_twin)
    assert not is_among("response_time_p100", of_windows)
    assert not is_among("cpu_time", of_twin)
