from hypothesis import given, settings

from orchestrator.explore.play.controls import Controls
from orchestrator.explore.play.grid import MOST_POINTS, grid_around
from orchestrator.scenario.models import discover_models
from tests.unit.orchestrator.explore.play.play_fixtures import controls
from tests.unit.orchestrator.explore.play.test_controls import any_controls


@settings(max_examples=30)
@given(any_controls())
def test_all_points_may_be_set_and_one_is_the_scenario_s(chosen: Controls) -> None:
    grid = grid_around(chosen)
    points = grid.points
    assert chosen in points
    assert len(points) == len(set(points)) == grid.size <= MOST_POINTS
    for point in (points[0], points[-1]):
        assert Controls.parse(point.as_data(), discover_models()) == point


def test_the_last_axis_varies_fastest() -> None:
    grid = grid_around(controls())
    (*_, (name, values)) = grid.axes
    assert [getattr(each, name) for each in grid.points[: len(values)]] == list(values)


def test_the_users_cross_the_workers() -> None:
    axes = dict(grid_around(controls(workers=5, users=6)).axes)
    assert {5, 6, 10, 11} <= set(axes["users"])
    assert axes["variability"] == ("constant", "exponential", "higher")


def test_a_smaller_grid_has_the_same_controls() -> None:
    grid = grid_around(controls())
    smaller = grid.smaller()
    assert grid.controls in smaller.points
    assert smaller.size < grid.size
