import pytest

from benchmarks.measures.open import C_AGAIN, LAB, C, apart, tables, undisturbed


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


def test_the_lab_is_held_against_c_both_ways() -> None:
    one = {"p50_us": 50.0, "p99_us": 100.0, "lag_p99_us": 40.0, "busy": 0.9, "server_busy": 0.5,
           "waited": 0.0}  # fmt: skip
    hasty = {**one, "p99_us": 70.0}
    made = tables("open", {LAB: [one, hasty], C: [one, one], C_AGAIN: [one, one]})
    *_, lags, distances = made
    assert [target.is_met(lags.rows) for target in lags.targets] == [True]
    assert distances.rows["p99 lab - c"] == [0.0, -1.5]
    assert [target.is_met(distances.rows) for target in distances.targets] == [True] * 4
    *_, distances = tables("open", {LAB: [hasty] * 2, C: [one] * 2, C_AGAIN: [one] * 2})
    assert [target.is_met(distances.rows) for target in distances.targets] == [
        True, True, True, False,
    ]  # fmt: skip


def test_nothing_is_decided_where_others_took_the_core() -> None:
    one = {"p50_us": 50.0, "p99_us": 100.0, "lag_p99_us": 40.0, "busy": 0.9, "server_busy": 0.5,
           "waited": 0.1}  # fmt: skip
    made = tables("open", {LAB: [one], C: [one], C_AGAIN: [one]})
    assert not any(table.targets for table in made)
    assert all("nothing is decided" in table.title for table in made)


def test_only_rounds_in_which_nobody_waited_for_a_core_count() -> None:
    quiet, disturbed = {"waited": 0.0, "p99_us": 1.0}, {"waited": 0.1, "p99_us": 2.0}
    told = {LAB: [quiet, disturbed, quiet], C: [quiet, quiet, disturbed]}
    assert undisturbed(told) == {LAB: [quiet], C: [quiet]}
    everywhere = {LAB: [quiet, disturbed], C: [disturbed, quiet]}
    assert undisturbed(everywhere) == everywhere
