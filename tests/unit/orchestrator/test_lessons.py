"""Each lesson is a page with a scenario that can be run as the page says, and a guess in it."""

import re
import shlex
from pathlib import Path

import pytest

from orchestrator.arguments import parse_arguments
from orchestrator.models import ROOT, discover_models
from orchestrator.scenario import load_scenario

FOLDER = ROOT / "docs" / "lessons"
LESSONS = sorted(FOLDER.glob("[0-9]*.md"))
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
