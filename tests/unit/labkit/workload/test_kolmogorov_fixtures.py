"""The instrument of the other tests: a test of randomness that accepts anything tests nothing."""

import pytest

from tests.unit.labkit.workload.kolmogorov_fixtures import (
    distance,
    exponential,
    is_rejected,
    uniform,
)

MIDDLES = [(rank + 0.5) / 1_000 for rank in range(1_000)]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ([0.5], 0.5),
        ([0.25, 0.75], 0.25),  # as even as two can be
        ([0.5, 0.5], 0.5),
        ([0.0, 0.1, 0.2], 0.8),  # all of it lies below 0.2, where a fifth should
        ([0.8, 0.9, 1.0], 0.8),
    ],
)
def test_the_distance_is_the_largest_between_the_steps(
    sample: list[float], expected: float
) -> None:
    assert distance(sample, uniform) == pytest.approx(expected)


def test_what_follows_the_law_passes_and_what_does_not_is_rejected() -> None:
    assert distance(MIDDLES, uniform) == pytest.approx(1 / 2_000)
    assert not is_rejected(MIDDLES, uniform)
    assert is_rejected(MIDDLES, exponential)
    assert is_rejected([value**1.2 for value in MIDDLES], uniform)
