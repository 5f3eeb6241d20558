"""The answer of a lesson follows a guess, and never stands in the page before it."""

import json
import re
from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest
from markupsafe import escape

from orchestrator.explore.learn.lessons import read_lessons
from orchestrator.explore.learn.problems import options_of
from orchestrator.quiz.generate import QUESTIONS, problem
from tests.unit.orchestrator.explore.explore_fixtures import Answer, Site, explore_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with explore_site(tmp_path_factory.mktemp("results")) as found:
        yield found


def grade(site: Site, lesson: object, guesses: object) -> Answer:
    body = json.dumps({"lesson": lesson, "guesses": guesses}).encode()
    return site.ask(f"/{site.token}/learn/grade", "POST", site.own, body)


def test_the_page_has_each_question_and_no_answer(site: Site) -> None:
    page = site.get("").text
    for lesson in read_lessons():
        assert f"<h3>{lesson.number}. {lesson.title}</h3>" in page
        assert all(f'<input name="{each.name}"' in page for each in lesson.asked)
    assert "⌈6 / 5⌉" not in page


def test_a_guess_is_graded_and_then_explained(site: Site) -> None:
    answer = grade(site, 2, {"makespan": "1s", "median": "200ms", "longest": ""}).text
    assert answer.count("✓ right") == 1
    assert answer.count("✗ not right") == 1
    assert answer.count("<td>no guess</td>") == 1
    assert "⌈6 / 5⌉" in answer
    assert 'class="lanes"' in answer
    assert "2-one-more-than-workers.yaml --set makespan=1s --set median=200ms</code>" in answer


def test_a_lesson_about_a_fault_has_no_picture(site: Site) -> None:
    answer = grade(site, 8, {"honest": "900ms"}).text
    assert "The twin draws no picture of this" in answer
    assert 'class="lanes"' not in answer


@pytest.mark.parametrize(
    ("lesson", "guesses", "reason"),
    [
        (13, {"makespan": "1s"}, "there is no such lesson"),
        ({}, {"makespan": "1s"}, "there is no such lesson"),
        (2, [], "guesses are a map of texts"),
        (2, {"makespan": 1}, "guesses are a map of texts"),
        (2, {"makespan": "soon"}, "is not a time such as"),
        (2, {}, "Type a guess first"),
    ],
)
def test_what_is_no_guess_gets_no_answer(
    site: Site, lesson: object, guesses: object, reason: str
) -> None:
    answer = grade(site, lesson, guesses)
    assert answer.is_refused
    assert reason in answer.text
    assert "⌈6 / 5⌉" not in answer.text


def post(site: Site, path: str, **value: object) -> Answer:
    body = json.dumps(value).encode()
    return site.ask(f"/{site.token}/learn/{path}", "POST", site.own, body)


def test_a_problem_is_posed_without_its_answer_and_then_solved(site: Site) -> None:
    for number in range(1, len(QUESTIONS) + 1):
        found = problem(7, number)
        posed = post(site, "problem", seed=7, number=number).text
        assert str(escape(found.question)) in posed
        assert str(escape(found.explanation)) not in posed
        right = found.answer.right_text.partition(" or ")[0]
        solved = post(site, "solve", seed=7, number=number, typed=right).text
        assert '<strong class="good">Right.</strong>' in solved
        assert str(escape(found.explanation)) in solved
        assert 'class="lanes"' in solved


def test_a_user_has_the_number_of_the_question_in_the_picture(site: Site) -> None:
    found = next(each for each in map(partial(problem, 7), count(1)) if each.kind == "longest-wait")
    right = found.answer.right_text
    solved = post(site, "solve", seed=7, number=found.number, typed=right).text
    labels = re.findall(r"<text [^>]*>(user [^<]*)</text>", solved)
    assert labels == options_of(found)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"seed": 7, "number": 1, "typed": "perhaps"}, "is no answer; write"),
        ({"seed": -1, "number": 1, "typed": "1s"}, "seed and number must be whole"),
        ({"seed": 7, "number": True, "typed": "1s"}, "seed and number must be whole"),
        ({"seed": "7", "number": 1, "typed": "1s"}, "seed and number must be whole"),
    ],
)
def test_what_solves_no_problem_is_refused(
    site: Site, value: dict[str, object], reason: str
) -> None:
    answer = post(site, "solve", **value)
    assert (answer.is_refused, reason in answer.text) == (True, True), answer.text
