import pytest

from orchestrator.explore.learn.grading import GuessError, form_of, grade_guesses
from orchestrator.explore.learn.lessons import Lesson, read_lessons


def lesson(number: int) -> Lesson:
    return read_lessons()[number - 1]


@pytest.mark.parametrize("each", read_lessons(), ids=lambda each: each.path.stem)
def test_the_answer_of_the_page_is_right(each: Lesson) -> None:
    graded = grade_guesses(each, {asked.name: asked.right for asked in each.asked})
    assert all(one.is_right for one in graded)


@pytest.mark.parametrize(
    ("typed", "is_right"),
    [("1s", True), ("1000ms", True), ("1.05 s", True), ("1,05s", True), ("1.2s", False)],
)
def test_a_guess_is_right_within_the_tolerance(typed: str, *, is_right: bool) -> None:
    assert grade_guesses(lesson(2), {"makespan": typed})[0].is_right is is_right


def test_a_value_that_is_not_guessed_is_not_graded() -> None:
    graded = grade_guesses(lesson(2), {"makespan": "1s", "median": " "})
    assert [each.is_right for each in graded] == [True, None, None]


@pytest.mark.parametrize(
    "typed", ["makespan", "s", "1x", "1s within 999%", "1s + 1s", "-1s", "9" * 30, "1..2s"]
)
def test_what_is_no_value_is_refused(typed: str) -> None:
    with pytest.raises(
        GuessError, match=r"guess of makespan .* is not a time such as 350ms or 1\.2s"
    ):
        grade_guesses(lesson(2), {"makespan": typed})


@pytest.mark.parametrize("typed", ["1", "1600", "0.5", "1,6"])
def test_a_time_without_a_unit_is_refused_with_both_that_may_be_meant(typed: str) -> None:
    with pytest.raises(GuessError, match=f"{typed} has no unit. Write {typed}ms or {typed}s"):
        grade_guesses(lesson(2), {"makespan": typed})


def test_without_a_guess_there_is_no_answer() -> None:
    for typed in ({}, {"makespan": "  "}, {"other": "1s"}):
        with pytest.raises(GuessError, match="Type a guess first"):
            grade_guesses(lesson(2), typed)


def test_the_form_of_a_count() -> None:
    assert form_of(lesson(3).asked[1]) == "a number such as 40"
