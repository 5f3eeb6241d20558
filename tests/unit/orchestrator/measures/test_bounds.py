"""Lower bounds and errors among figures."""

from orchestrator.measures.bounds import (
    FAR,
    AtLeast,
    Within,
    at_the_far_end,
    error_of,
    errors,
    lower_bounds,
)

FIGURES = {"exact": 1.0, "bound": AtLeast(2.0), "unknown": None}


def test_a_lower_bound_is_a_number_that_is_known_as_one() -> None:
    assert lower_bounds(FIGURES) == ["bound"]
    assert FIGURES["bound"] == 2.0


def test_the_far_end_replaces_lower_bounds_only() -> None:
    assert at_the_far_end(FIGURES) == {"exact": 1.0, "bound": FAR, "unknown": None}


def test_a_figure_with_an_error_is_a_number_that_keeps_it() -> None:
    found = {"wait": Within(1.5, 0.25), "exact": 1.0, "unknown": None}
    assert found["wait"] == 1.5
    assert errors(found) == {"wait": 0.25}
    assert [error_of(each) for each in found.values()] == [0.25, 0.0, 0.0]
