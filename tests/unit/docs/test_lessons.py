"""Each lesson is a page with a scenario that can be run as the page says, and a guess in it."""

import re
import shlex
from pathlib import Path

import pytest

from orchestrator.campaign.verdict import grade
from orchestrator.cli.main import parse_arguments
from orchestrator.results.summary import Grade
from orchestrator.scenario.guesses import is_made
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import ROOT, discover_models, discover_twins
from orchestrator.scenario.plan import plan_cases
from orchestrator.twin.parameters import TYPICAL
from orchestrator.twin.predict import predict

FOLDER = ROOT / "docs" / "lessons"
LESSONS = sorted(FOLDER.glob("[0-9]*.md"), key=lambda page: int(page.name.partition("-")[0]))
SETTING = re.compile(r"--set\s+(\w+)=([^\s`]+)")
WITHOUT_TWIN = ("7", "8", "10")
"""Lessons on what the twin does not know: a full backlog, a fault, which worker gets what."""

STEPS = ("**Predict.**", "**Run.**", "**Look.**", "**Explain.**", "<summary>Answer</summary>")


def part(page: Path, step: str) -> str:
    """Return the text of a step of a lesson."""
    text = page.read_text(encoding="utf-8").split(step, 1)[1]
    end = "</details>" if step == STEPS[-1] else "\n\n"
    return text.split(end, 1)[0]


def answers_of(page: Path) -> dict[str, str]:
    """Return the right guesses that stand in the answer of a lesson."""
    (guesses,) = re.findall(r"`(--set\s[^`]+)`", part(page, STEPS[-1]))
    return dict(SETTING.findall(guesses))


def look_of(page: Path) -> list[str]:
    """Return the words of the report that a lesson asks to look for, in lower case."""
    words = re.findall(r"(?<![*\w])\*([^*]+)\*(?![*\w])", part(page, "**Look.**"))
    return [" ".join(each.split()).lower() for each in words]


def test_there_are_twelve_and_the_guide_names_each() -> None:
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(LESSONS) == 12
    assert re.findall(r"\| \[.*?\]\((.*?)\)", guide) == [page.name for page in LESSONS]
    assert {page.stem for page in LESSONS} == {path.stem for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_can_be_done_as_it_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [text.index(step) for step in STEPS]
    assert places == sorted(places)
    assert f"]({page.stem}.yaml)" in text
    command = re.findall(r"^\.venv/bin/python orchestrate\.py (.*)$", text, re.MULTILINE)[0]
    asked = parse_arguments(shlex.split(command))
    assert asked.scenario == Path("docs/lessons") / f"{page.stem}.yaml"
    assert dict(asked.settings) == {}, "the guess of the page is not that of the learner"
    scenario = load_scenario(ROOT / asked.scenario, discover_models())
    assert all(scenario.guesses(model) for model in scenario.models)
    assert not any(is_made(each) for model in scenario.models for each in scenario.guesses(model))
    assert set(re.findall(r"--set (\w+)=…", part(page, "**Run.**"))) == set(answers_of(page))
    assert scenario.answer
    assert not scenario.expect
    assert look_of(page)


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_what_to_try_is_a_command(page: Path) -> None:
    """A learner edits no file of the repository."""
    after = page.read_text(encoding="utf-8").split("</details>")[1]
    assert re.search(r"^```sh\n\.venv/bin/python orchestrate\.py \S+ --set ", after, re.MULTILINE)


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_every_guess_is_made_if_the_answers_are_passed(page: Path) -> None:
    scenario = load_scenario(page.with_suffix(".yaml"), discover_models(), answers_of(page))
    assert all(is_made(each) for model in scenario.models for each in scenario.guesses(model))


@pytest.mark.parametrize(
    "page",
    [page for page in LESSONS if page.name.partition("-")[0] not in WITHOUT_TWIN],
    ids=lambda page: page.stem,
)
def test_the_twin_says_what_the_page_answers(page: Path) -> None:
    scenario = load_scenario(page.with_suffix(".yaml"), discover_models(), answers_of(page))
    for case in plan_cases(scenario):
        values = predict(case, discover_twins(), cpus=2, overhead=TYPICAL).values
        grades = [each.twin for each in grade(scenario.guesses(case.model), values)]
        assert Grade.RIGHT in grades
        assert Grade.WRONG not in grades


def test_the_answer_of_the_queue_is_that_of_its_formula() -> None:
    (page,) = FOLDER.glob("6-*.md")
    scenario = load_scenario(page.with_suffix(".yaml"), discover_models(), answers_of(page))
    (case,) = plan_cases(scenario)
    steady = predict(case, discover_twins(), cpus=2).steady
    assert steady is not None
    assert steady.quantile_s is not None
    assert steady.response_time_s == pytest.approx(0.250)
    assert steady.quantile_s(0.99) == pytest.approx(1.15, rel=0.01)
