import pytest

from orchestrator.explore.learn.problems import ProblemError, find_problem, options_of, solve
from orchestrator.quiz.generate import QUESTIONS, problem


def test_a_problem_is_found_by_its_seed_and_number() -> None:
    assert find_problem(7, 3).question == problem(7, 3).question


@pytest.mark.parametrize(
    ("seed", "number"), [(-1, 1), (2**32, 1), (7, 0), (7, 10_001), (7.0, 1), ("7", 1), (7, True)]
)
def test_what_is_no_seed_or_number_is_refused(seed: object, number: object) -> None:
    with pytest.raises(ProblemError, match="seed and number must be whole"):
        find_problem(seed, number)


def test_each_kind_can_be_solved_by_its_right_answer() -> None:
    for number in range(1, len(QUESTIONS) + 1):
        found = find_problem(7, number)
        options = options_of(found)
        typed = next(
            (each for each in options if each in found.answer.right_text), found.answer.right_text
        )
        assert solve(found, typed).is_right


def test_a_wrong_answer_is_not_right_and_no_answer_is_refused() -> None:
    found = next(each for each in (problem(7, n) for n in range(1, 10)) if each.kind == "makespan")
    assert not solve(found, "59m").is_right
    for typed in (None, 1, "soon"):
        with pytest.raises(ProblemError, match="is no"):
            solve(found, typed)
