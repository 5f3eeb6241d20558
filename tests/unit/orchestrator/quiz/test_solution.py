"""A problem and its solution in lines and as data; the agreement of twin and machine."""

import pytest

from orchestrator.quiz.machine import MachineAnswer
from orchestrator.quiz.solution import (
    Solved,
    agreement,
    agreement_text,
    as_data,
    exit_code,
    problem_lines,
    solution_lines,
)
from orchestrator.results.exit_codes import FAILS, HOLDS, INVALID
from tests.unit.orchestrator.quiz.problem_fixtures import problem_of

AGREES, DIFFERS = MachineAnswer(1.0, agrees=True), MachineAnswer(2.0, agrees=False)
UNDECIDED = MachineAnswer(None, None, "3 runs do not count")


def test_a_problem_is_posed_without_its_answer() -> None:
    problem = problem_of("makespan")
    assert list(problem_lines(problem)) == [
        f"Problem {problem.number} (makespan)",
        problem.setting,
        problem.question,
        "Answer with a duration, e.g. 600ms or 1.2s; within 10% and 10 ms is right.",
    ]
    posed = as_data(Solved(problem), with_solution=False)
    assert set(posed) == {"number", "kind", "setting", "question", "form", "options"}


def test_a_solution_says_why() -> None:
    problem = problem_of("makespan")
    (line,) = solution_lines(Solved(problem))
    assert line == f"Solution: {problem.answer.right_text}. {problem.explanation}"
    shown = as_data(Solved(problem), with_solution=True)
    assert shown["answer"] == pytest.approx(problem.derived)
    assert (shown["unit"], shown["machine"]) == ("s", None)
    assert shown["scenario"]["intent"] == problem.question
    chosen = as_data(Solved(problem_of("longest-wait")), with_solution=True)
    assert chosen["answer"][0] in chosen["options"]
    assert (chosen["unit"], chosen["tolerance"]) == (None, None)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (MachineAnswer(0.3021, agrees=True), "The machine: 302 ms; it agrees."),
        (MachineAnswer(0.9, agrees=False), "The machine: 900 ms; it differs from "),
        (UNDECIDED, "The machine: undecided, 3 runs do not count."),
        (
            MachineAnswer(None, agrees=False, reason="2 of 3 messages were answered"),
            "The machine: no answer, 2 of 3 messages were answered.",
        ),
    ],
)
def test_the_machine_says_whether_it_agrees(found: MachineAnswer, line: str) -> None:
    *_, last = solution_lines(Solved(problem_of("makespan"), found))
    assert last.startswith(line)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([], HOLDS),
        ([None], HOLDS),
        ([AGREES, AGREES], HOLDS),
        ([AGREES, UNDECIDED], INVALID),
        ([UNDECIDED, DIFFERS], FAILS),
    ],
)
def test_a_difference_and_an_undecided_problem_have_exit_codes(
    answers: list[MachineAnswer | None], code: int
) -> None:
    problem = problem_of("makespan")
    assert exit_code([Solved(problem, each) for each in answers]) == code


def test_the_agreement_counts_all_three() -> None:
    problem = problem_of("makespan")
    solved = [Solved(problem, each) for each in (AGREES, AGREES, DIFFERS, UNDECIDED, None)]
    assert agreement(solved) == {"agree": 2, "differ": 1, "undecided": 1}
    assert agreement_text(solved) == (
        "Twin and machine agree about 2 of 4 problems, differ about 1, and 1 are undecided."
    )
