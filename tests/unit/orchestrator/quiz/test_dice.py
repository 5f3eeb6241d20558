"""Choices depend on the seed, the purpose and the number, and on nothing else."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.quiz.dice import Dice


def test_the_same_seed_makes_the_same_choices_on_every_machine() -> None:
    dice = Dice(7, "makespan", 3)
    assert [dice.whole(1, 6) for _ in range(8)] == [1, 1, 3, 5, 6, 2, 5, 5]


def test_each_number_of_a_range_comes_up_about_as_often() -> None:
    dice = Dice(1, "any", 1)
    counts = Counter(dice.whole(2, 5) for _ in range(4_000))
    assert set(counts) == {2, 3, 4, 5}
    assert all(900 < each < 1_100 for each in counts.values())


@given(st.integers(0, 2**32 - 1), st.integers(1, 10_000))
def test_another_seed_purpose_or_number_throws_anew(seed: int, number: int) -> None:
    def thrown(*of: object) -> list[int]:
        dice = Dice(*of)  # type: ignore[arg-type]
        return [dice.whole(0, 10**9) for _ in range(3)]

    base = thrown(seed, "one", number)
    assert base == thrown(seed, "one", number)
    assert base not in (
        thrown(seed + 1, "one", number),
        thrown(seed, "two", number),
        thrown(seed, "one", number + 1),
    )


@given(st.lists(st.integers(), max_size=12), st.integers(0, 1_000))
def test_a_shuffle_loses_nothing(options: list[int], seed: int) -> None:
    assert sorted(Dice(seed, "order", 0).shuffled(options)) == sorted(options)
