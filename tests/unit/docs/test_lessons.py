"""Each lesson is a page with a scenario that can be run as the page says, and a guess in it."""

import re
import shlex
from pathlib import Path

import pytest

from orchestrator.campaign.verdict import grade
from orchestrator.cli.main import parse_arguments
from orchestrator.results.summary import Grade
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import ROOT, discover_models, discover_twins
from orchestrator.scenario.plan import plan_cases
from orchestrator.twin.parameters import TYPICAL
from orchestrator.twin.predict import predict

FOLDER = ROOT / "docs" / "lessons"
LESSONS = sorted(FOLDER.glob("[0-9]*.md"))
ANSWERS = {
    "1-one-at-a-time": {"makespan": "2s", "last_wait": "1.6s"},
    "2-one-more-than-workers": {"makespan": "1s", "median": "100ms", "longest": "600ms"},
    "3-all-at-once": {"makespan": "500ms", "peak": "50"},
    "4-a-blocking-call": {"makespan": "2.5s", "longest": "500ms"},
    "5-work-for-the-cpu": {"threads": "2s", "processes": "1s", "loop": "2s"},
    "6-four-fifths-busy": {"mean": "250ms", "p99": "1.15s"},
}
"""What the pages answer; of the others the twin knows nothing: a full backlog, a fault."""

STEPS = ("**Predict.**", "**Run.**", "**Look.**", "**Explain.**", "<summary>Answer</summary>")


def test_there_are_eight_and_the_guide_names_each() -> None:
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(LESSONS) == 8
    assert re.findall(r"\| \[.*?\]\((.*?)\)", guide) == [page.name for page in LESSONS]
    assert {page.stem for page in LESSONS} == {path.stem for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_can_be_done_as_it_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [text.index(step) for step in STEPS]
    assert places == sorted(places)
    assert f"]({page.stem}.yaml)" in text
    (command,) = re.findall(r"^\.venv/bin/python orchestrate\.py (.*)$", text, re.MULTILINE)
    asked = parse_arguments(shlex.split(command))
    assert asked.scenario == Path("docs/lessons") / f"{page.stem}.yaml"
    scenario = load_scenario(ROOT / asked.scenario, discover_models(), dict(asked.settings))
    assert all(scenario.guesses(model) for model in scenario.models)
    assert not scenario.expect


@pytest.mark.parametrize("lesson", [name for name in ANSWERS if not name.startswith("6")])
def test_the_twin_says_what_the_page_answers(lesson: str) -> None:
    scenario = load_scenario(FOLDER / f"{lesson}.yaml", discover_models(), ANSWERS[lesson])
    for case in plan_cases(scenario):
        values = predict(case, discover_twins(), cpus=2, overhead=TYPICAL).values
        grades = [each.twin for each in grade(scenario.guesses(case.model), values)]
        assert Grade.RIGHT in grades
        assert Grade.WRONG not in grades


def test_the_answer_of_the_queue_is_that_of_its_formula() -> None:
    name = "6-four-fifths-busy"
    scenario = load_scenario(FOLDER / f"{name}.yaml", discover_models(), ANSWERS[name])
    (case,) = plan_cases(scenario)
    steady = predict(case, discover_twins(), cpus=2).steady
    assert steady is not None
    assert steady.quantile_s is not None
    assert steady.response_time_s == pytest.approx(0.250)
    assert steady.quantile_s(0.99) == pytest.approx(1.15, rel=0.01)
