"""Guesses are graded by the run and by the twin, and decide nothing."""

from pathlib import Path

import pytest

from orchestrator.campaign.verdict import grade
from orchestrator.measures.expression import parse_expression
from orchestrator.results.summary import Grade
from orchestrator.scenario.guesses import parse_guess
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.yaml_document import ScenarioError

MINE = parse_expression("makespan ~= 2s within 10%")


@pytest.mark.parametrize(
    ("values", "grade_of_run", "grade_of_twin", "texts"),
    [
        ({"makespan": 2.1, "predicted.makespan": 2.0}, Grade.RIGHT, Grade.RIGHT,
         ("2.100 s", "2.000 s")),
        ({"makespan": 3.0, "predicted.makespan": 2.0}, Grade.WRONG, Grade.RIGHT,
         ("3.000 s", "2.000 s")),
        ({"makespan": 2.0}, Grade.RIGHT, Grade.UNKNOWN, ("2.000 s", "")),
        ({}, Grade.UNKNOWN, Grade.UNKNOWN, ("", "")),
    ],
)  # fmt: skip
def test_a_guess_is_graded_twice(
    values: dict[str, float], grade_of_run: Grade, grade_of_twin: Grade, texts: tuple[str, str]
) -> None:
    (found,) = grade([MINE], values)
    assert (found.grade, found.twin) == (grade_of_run, grade_of_twin)
    assert (found.measured, found.predicted) == texts


def test_what_the_scenario_sets_is_the_same_for_the_twin() -> None:
    guess = parse_expression("makespan ~= users * 1s within 1%")
    (found,) = grade([guess], {"makespan": 9.0, "predicted.makespan": 5.0, "users": 5.0})
    assert (found.grade, found.twin) == (Grade.WRONG, Grade.RIGHT)


def test_a_guess_that_was_not_made_is_neither_right_nor_wrong() -> None:
    """The values are shown all the same."""
    guess = parse_guess("makespan ~= ? within 10%")
    (found,) = grade([guess], {"makespan": 1.0, "predicted.makespan": 1.0})
    assert (found.grade, found.twin) == (Grade.NO_GUESS, Grade.NO_GUESS)
    assert (found.measured, found.predicted) == ("1.000 s", "1.000 s")


BASE = "intent: x\nmodels: [single]\nclients: [{executor: closed, users: 1, messages: 1}]\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("guess: {epoll: [acked == 1]}", "4:9: unknown model 'epoll'; allowed: single, all"),
        ("guess: {single: [acked == 1s]}",
         "4:27: acked is a bare number and 1s is a time; both need the same unit"),
        ("guess: {single: [makespan < 1s with 95%]}",
         "4:18: a guess is right or wrong; leave the confidence out"),
        ("guess: {single: []}", "4:17: single: the list is empty; write at least one guess"),
    ],
)  # fmt: skip
def test_a_bad_guess_is_refused_like_a_bad_expectation(
    scenario_file: Path, line: str, problem: str
) -> None:
    scenario_file.write_text(f"{BASE}{line}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(scenario_file, ["single", "epoll"])
    found = [str(each).removeprefix(f"{scenario_file}:") for each in refusal.value.problems]
    assert found == [problem]
