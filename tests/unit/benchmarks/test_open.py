import pytest

from benchmarks.measures.open import apart


@pytest.mark.parametrize(
    ("own_us", "other_us", "expected"),
    [
        (50.0, 50.0, 0.0),
        (70.0, 50.0, 1.0),  # 20 us more: all that is allowed
        (30.0, 50.0, -1.0),
        (150.0, 100.0, 2.5),
        (1_100.0, 1_000.0, 1.0),  # a tenth more, where that is more than 20 us
        (850.0, 1_000.0, -1.5),
    ],
)
def test_clients_are_apart_by_parts_of_what_is_allowed(
    own_us: float, other_us: float, expected: float
) -> None:
    assert apart([own_us], [other_us]) == pytest.approx([expected])


def test_each_round_is_held_against_the_same_round() -> None:
    assert apart([50.0, 500.0], [70.0, 500.0]) == [-1.0, 0.0]
    with pytest.raises(ValueError, match="zip"):
        apart([50.0], [50.0, 60.0])
