"""Lower bounds among figures."""

from orchestrator.measures.bounds import FAR, AtLeast, at_the_far_end, lower_bounds

FIGURES = {"exact": 1.0, "bound": AtLeast(2.0), "unknown": None}


def test_a_lower_bound_is_a_number_that_is_known_as_one() -> None:
    assert lower_bounds(FIGURES) == ["bound"]
    assert FIGURES["bound"] == 2.0


def test_the_far_end_replaces_lower_bounds_only() -> None:
    assert at_the_far_end(FIGURES) == {"exact": 1.0, "bound": FAR, "unknown": None}
