import pytest

from orchestrator.campaign.comparison import unmatched
from orchestrator.campaign.conditions import Condition, Effect
from orchestrator.capacity.comparison import (
    Standing,
    capacity_comparison_exit_code,
    capacity_conditions,
    capacity_differences,
    withheld,
)
from orchestrator.results.capacity import Capacity
from tests.unit.orchestrator.capacity.capacity_fixtures import capacity, case, without_figure

Bounds = tuple[float | None, float | None]


@pytest.mark.parametrize(
    ("before", "after", "standing"),
    [
        ((212.0, 223.0), (190.0, 200.0), Standing.WORSE),
        ((212.0, 223.0), (240.0, 250.0), Standing.BETTER),
        ((212.0, 223.0), (200.0, 215.0), Standing.ALIKE),
        ((212.0, 223.0), (223.0, 230.0), Standing.ALIKE),
        ((212.0, None), (190.0, 200.0), Standing.WORSE),
        ((212.0, None), (240.0, 250.0), Standing.UNKNOWN),
        ((212.0, 223.0), (240.0, None), Standing.BETTER),
        ((212.0, 223.0), (None, 200.0), Standing.WORSE),
        ((None, 200.0), (212.0, 223.0), Standing.BETTER),
        ((None, 200.0), (190.0, 210.0), Standing.UNKNOWN),
    ],
)
def test_only_bounds_that_do_not_overlap_differ(
    before: Bounds, after: Bounds, standing: Standing
) -> None:
    (row,) = capacity_differences(capacity(case(bounds=before)), capacity(case(bounds=after)))
    assert row.standing is standing
    assert bool(row.reason) is (standing is Standing.UNKNOWN)


def test_the_ratio_is_all_that_the_bounds_allow() -> None:
    (row,) = capacity_differences(
        capacity(case(bounds=(100.0, 110.0))), capacity(case(bounds=(121.0, 150.0)))
    )
    assert (row.low, row.high) == pytest.approx((1.1, 1.5))


def test_a_case_that_clients_or_host_limited_has_no_verdict() -> None:
    (row,) = capacity_differences(capacity(without_figure()), capacity(case("epoll", (10, 20))))
    assert row.standing is Standing.UNKNOWN
    assert row.reason.startswith("the first has no figure: the clients could not")


def test_cases_are_matched_by_name() -> None:
    before, after = capacity(case("a"), case("b")), capacity(case("b"), case("c"))
    assert [row.case for row in capacity_differences(before, after)] == ["b"]
    assert unmatched(before, after) == ["a", "c"]


def test_the_exit_code_is_that_of_a_gate() -> None:
    def code(*bounds: Bounds) -> int:
        names = [f"case{n}" for n in range(len(bounds))]
        before = capacity(*(case(name) for name in names))
        after = capacity(*(case(*pair) for pair in zip(names, bounds, strict=True)))
        return capacity_comparison_exit_code(capacity_differences(before, after))

    assert code((212.0, 223.0)) == 0
    assert code((240.0, 250.0), (100.0, 110.0)) == 1
    assert code((None, None)) == 4
    assert code((None, None), (212.0, 223.0)) == 0


def test_a_verdict_can_be_withheld() -> None:
    rows = withheld(capacity_differences(capacity(case()), capacity(case())), "other hosts")
    assert [(row.standing, row.reason) for row in rows] == [(Standing.UNKNOWN, "other hosts")]
    assert capacity_comparison_exit_code(rows) == 4


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        ({"objectives": ["p99 < 1s"]}, Effect.SCENARIO),
        ({"group": "other"}, Effect.SCENARIO),
        ({"at": 200.0}, Effect.NOTE),
        ({"width": 0.5}, Effect.NOTE),
        ({"confidence": 0.9}, Effect.NOTE),
    ],
)
def test_what_was_asked_is_compared(change: dict[str, object], effect: Effect) -> None:
    (found,) = capacity_conditions(capacity(), capacity(**change), [])
    assert found.effect is effect


def test_the_load_that_the_scenario_sets_for_the_searched_group_does_not_matter() -> None:
    def effect(path: str, searched: Capacity) -> Effect:
        found = [Condition(path, "1/s", "2/s", Effect.SCENARIO)]
        return capacity_conditions(searched, searched, found)[0].effect

    assert effect("clients.steady.rate", capacity()) is Effect.NOTE
    assert effect("clients.other.rate", capacity()) is Effect.SCENARIO
    assert effect("clients.steady.demand", capacity()) is Effect.SCENARIO
