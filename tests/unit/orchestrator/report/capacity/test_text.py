import pytest

from orchestrator.report.capacity.text import (
    answer,
    legend,
    notes,
    question,
    remarks,
    tone,
    verdict,
)
from orchestrator.results.capacity import Capacity
from orchestrator.results.summary import Status
from tests.unit.orchestrator.capacity.capacity_fixtures import (
    asked,
    at_least,
    capacity,
    case,
    without_figure,
)
from tests.unit.orchestrator.report.report_fixtures import HOSTILE

HOLDS, FAILS = asked("epoll", 200, (246, 300)), asked("poll", 200, (100, 150))
UNDECIDED = asked("select", 200, (190, 210))


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (capacity(case()), "the case is bounded within 5%"),
        (capacity(case(), case("b"), width=0.005), "all 2 cases bounded within 0.5%"),
        (
            capacity(case(), without_figure(), case("b", is_complete=False)),
            "1 of 3 cases bounded within 5%, 1 without a figure",
        ),
        (capacity(HOLDS, at=200.0), "the case holds at 200/s"),
        (capacity(HOLDS, HOLDS, at=200.0), "all 2 cases hold at 200/s"),
        (
            capacity(HOLDS, FAILS, UNDECIDED, without_figure(), at=200.0),
            "1 of 4 cases hold at 200/s, 1 not, 1 undecided, 1 without a verdict",
        ),
        (
            capacity(HOLDS, FAILS, at=200.0, is_any_enough=True),
            "1 of 2 cases hold at 200/s, 1 not; one that holds is enough",
        ),
        (
            capacity(case(), status=Status.INTERRUPTED, reason="SIGINT", planned_cases=3),
            "interrupted after 1 of 3 cases: SIGINT",
        ),
        (capacity(status=Status.BROKEN, planned_cases=1), "broken after 0 of 1 case"),
    ],
)
def test_the_verdict_is_one_line(found: Capacity, line: str) -> None:
    assert verdict(found) == line


@pytest.mark.parametrize(
    ("found", "color"),
    [
        (capacity(exit_code=0), "good"),
        (capacity(exit_code=1), "bad"),
        (capacity(exit_code=4), "doubt"),
        (capacity(exit_code=130, status=Status.INTERRUPTED), "doubt"),
    ],
)
def test_the_verdict_has_the_color_of_its_result(found: Capacity, color: str) -> None:
    assert tone(found) == color


def test_the_question_has_the_objectives_and_the_load() -> None:
    assert question(capacity()) == "How much can it take? (p99 < 50ms)"
    asked_at = capacity(at=200.0, objectives=["p99 < 50ms", "errors == 0"], intent="")
    assert question(asked_at) == "(p99 < 50ms and errors == 0, at 200/s)"


def test_the_answer_is_followed_by_its_caveat() -> None:
    assert answer(capacity(answer=[])) == []
    found = capacity(without_figure(), answer=["One.", "Two."])
    assert answer(found) == ["One. Two.", "Caution: it is not known what epoll can bear."]


def test_cases_in_doubt_say_why() -> None:
    wide = case("poll", is_complete=False, ended="12 loads were tried")
    assert list(remarks(capacity(case(), wide, without_figure(), at_least("x")))) == [
        "poll: wider bounds than asked: 12 loads were tried",
        "epoll: no figure, since the clients could not generate the load as planned "
        "(a client was 12 ms late)",
        "x: no figure beyond its lower bound, since the clients could not generate the load as "
        "planned (a client was 12 ms late)",
    ]


def test_the_reason_for_no_twin_is_there_once() -> None:
    without = [case(name, predicted=None, prediction="it is a target") for name in "ab"]
    assert list(notes(capacity(*without, case()))) == ["no twin of a and b: it is a target"]


def test_the_legend_explains_headroom_if_there_is_any() -> None:
    assert "headroom" not in "".join(legend(capacity()))
    assert legend(capacity(at=200.0))[-1] == "headroom: how much more than 200/s it bears"


def test_hostile_text_is_printable() -> None:
    found = capacity(
        case(HOSTILE, is_complete=False, ended=HOSTILE), intent=HOSTILE, answer=[HOSTILE]
    )
    lines = [question(found), *answer(found), *remarks(found), verdict(found)]
    assert all(line.isprintable() for line in lines)
