import pytest

from orchestrator.campaign.answer_values import CaseValues, Lookup, is_largest, is_same
from orchestrator.campaign.case_names import CaseKey
from orchestrator.measures.dimensions import COUNT, RATE, TIME
from orchestrator.measures.template import Order, parse_template


def order(text: str) -> Order:
    about = parse_template(f"{{{text}}}").blanks[0].about
    assert about is not None
    return about


def cases(**makespans_s: float | list[float] | None) -> list[CaseValues]:
    return [
        CaseValues(
            CaseKey(model),
            [{"makespan": each} for each in (value if isinstance(value, list) else [value])],
        )
        for model, value in makespans_s.items()
    ]


def named(*makespans: CaseValues) -> tuple[list[str], list[str]]:
    found = Lookup(makespans).extremes(order("fastest(makespan)"))
    first, last = ([row.case.key.model for row in rows] for rows in (found.first, found.last))
    return first, last


def test_the_extremes_are_the_smallest_and_the_largest() -> None:
    assert named(*cases(single=3.5, prefork=1.0, epoll=0.5)) == (["epoll"], ["single"])


def test_values_within_the_noise_share_a_place() -> None:
    found = named(*cases(prefork=1.0, threaded=1.04, single=3.5))
    assert found == (["prefork", "threaded"], ["single"])


def test_no_case_is_both_the_first_and_the_last_in_a_chain_of_small_differences() -> None:
    assert named(*cases(a=1.0, b=1.04, c=1.08)) == (["a", "b"], ["c"])


def test_repeats_that_overlap_share_a_place_although_their_medians_differ() -> None:
    apart = named(*cases(a=[1.0, 1.01, 1.02], b=[1.2, 1.21, 1.22]))
    assert apart == (["a"], ["b"])
    overlapping = named(*cases(a=[1.0, 1.01, 1.21], b=[1.2, 1.21, 1.22]))
    assert overlapping == (["a", "b"], ["a", "b"])


def test_a_case_without_a_value_takes_no_part_and_is_remembered() -> None:
    lookup = Lookup(cases(a=1.0, b=None))
    assert [row.case.key.model for row in lookup.extremes(order("least(makespan)")).rows] == ["a"]
    assert lookup.missing == ["makespan"]


@pytest.mark.parametrize(("smallest", "expected"), [(0.5, 4.0), (0.0, None)])
def test_the_ratio_is_unknown_if_the_smallest_value_is_0(
    smallest: float, expected: float | None
) -> None:
    assert Lookup(cases(a=smallest, b=2.0)).extremes(order("least(makespan)")).ratio == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"), [(399, 400, False), (400, 400, True), (0.5, 0.51, True)]
)
def test_whole_numbers_are_the_same_only_if_they_are_equal(
    one: float, other: float, *, expected: bool
) -> None:
    assert is_same(one, other, COUNT) is expected


@pytest.mark.parametrize(
    ("word", "of_time", "of_rate"),
    [("fastest", False, True), ("slowest", True, False), ("least", False, False),
     ("most", True, True)],
)  # fmt: skip
def test_the_fastest_rate_is_the_largest(word: str, *, of_time: bool, of_rate: bool) -> None:
    assert (is_largest(word, TIME), is_largest(word, RATE)) == (of_time, of_rate)
