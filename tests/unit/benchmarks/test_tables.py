import pytest

from benchmarks.contestants import Contestant
from benchmarks.report import as_json, as_text
from benchmarks.rounds import interleave
from benchmarks.tables import Spread, Table, Target

ROWS = {"epoll": [100.0, 300.0, 90.0], "c": [100.0, 200.0, 100.0]}


def test_a_ratio_is_taken_within_a_round() -> None:
    """The median of the ratios is 1; the ratio of the medians would be 1 as well, but not 1.5."""
    target = Target("epoll", 1.0, "c")
    assert target.values(ROWS) == [1.0, 1.5, 0.9]
    assert Spread.of(target.values(ROWS)) == Spread(1.0, 0.9, 1.5)


@pytest.mark.parametrize(
    ("target", "is_met"),
    [
        (Target("epoll", 1.0, "c"), True),  # exactly the bound
        (Target("epoll", 1.01, "c"), False),
        (Target("epoll", 1.0, "c", at_least=False), True),
        (Target("epoll", 0.99, "c", at_least=False), False),
        (Target("epoll", 100.0), True),  # a bound on the value itself, whose median is 100
        (Target("epoll", 99.0, at_least=False), False),
    ],
)
def test_a_target_is_held_against_the_median(target: Target, *, is_met: bool) -> None:
    assert target.is_met(ROWS) is is_met


def test_rounds_of_unequal_length_are_a_defect() -> None:
    with pytest.raises(ValueError, match="zip"):
        Target("epoll", 1.0, "c").values({"epoll": [1.0], "c": [1.0, 2.0]})


def test_every_round_visits_everybody_and_begins_with_another() -> None:
    visits: list[str] = []

    def visit(contestant: Contestant) -> int:
        visits.append(contestant.name)
        return len(visits)

    measured = interleave([Contestant(name, ()) for name in "abc"], 3, visit)
    assert "".join(visits) == "abcbcacab"
    assert measured == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_the_report_names_what_was_missed() -> None:
    table = Table("rate", "messages/s", ROWS, [Target("epoll", 2.0, "c")], {"c": "busy 99%"})
    text = as_text([table])
    assert "MISSED       1 (0.9..1.5), epoll at least 2 x c: rate" in text
    assert "busy 99%" in text
    (told,) = as_json([table])
    assert told["rounds"] == ROWS
    assert told["targets"][0]["rounds"] == [1.0, 1.5, 0.9]
