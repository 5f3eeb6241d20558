"""What may stand before a measure besides the name of a group."""

import pytest

from orchestrator.measures.registry import MEASURES
from orchestrator.measures.views import VIEWS, WINDOWS, views


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
