"""Every command on a page is run as it is written, in a copy of the repository.

Those that no test can run, and those that are only planned, are listed in `tests/page_commands.py`.
Runs are told to use local processes: containers make no difference to what the pages say.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from orchestrator.campaign.verdict import grade
from orchestrator.cli.main import parse_arguments
from orchestrator.results.summary import Grade
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import discover_models, discover_twins
from orchestrator.twin.parameters import Kind
from tests.e2e.lab_fixtures import copy_checkout
from tests.interpreter_fixtures import need_interpreter
from tests.page_commands import ORCHESTRATE, commands, scenario_on
from tests.unit.docs.test_lessons import LESSONS, answers_of, look_of

FIRST_RUN = f"{ORCHESTRATE}mine.yaml"
STORED = ("a", "b", "mine-…", "quickstart-…", "before/gate-a", "after/gate-a")
"""What the pages call stored runs, in results/."""

OTHER_PAGES = sorted(
    {each.page for each in commands() if each.is_run and "lessons/" not in each.page}
)

RUN = re.compile(rf"{re.escape(ORCHESTRATE)}\S+\.yaml")
UNDECIDED = (0, 1, 4)
"""What ``compare`` and ``report`` may end with: the stored run may be disturbed, or too short."""


@dataclass
class Copy:
    """A copy of the repository, in which each command is run once."""

    path: Path
    ended: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Return the result of a command as it stands on a page."""
        if text not in self.ended:
            backend = " --backend process" if RUN.match(text) else ""
            self.ended[text] = subprocess.run(
                ["bash", "-c", f"{text}{backend}"],
                cwd=self.path,
                env={key: value for key, value in os.environ.items() if not key.startswith("LAB_")},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        return self.ended[text]

    def check(self, text: str) -> str:
        """Run a command; it must do what it is for. Return what it printed."""
        ended = self.run(text)
        printed = ended.stdout + ended.stderr
        assert "Traceback" not in printed
        if " compare " in text or " report " in text:
            assert ended.returncode in UNDECIDED, printed
        elif RUN.match(text):
            summary = self.summary(ended.stdout)
            failed = [each for case in summary["cases"] for each in case["expectations"]
                      if each["outcome"] == "failed"]  # fmt: skip
            assert not failed or is_disturbed(summary), printed
            assert ended.returncode == 0 or is_disturbed(summary), printed
        else:
            assert ended.returncode == 0, printed
        return printed

    def summary(self, printed: str) -> dict[str, Any]:
        """Return the summary of the run that has ``printed`` where its results are."""
        folder = re.findall(r"^results: (.*)$", printed, re.MULTILINE)[-1]
        found: dict[str, Any] = json.loads((self.path / folder / "summary.json").read_text())
        return found


def is_disturbed(summary: dict[str, Any]) -> bool:
    """Whether other programs of the host disturbed the run, and nothing else was wrong."""
    reasons = [reason for case in summary["cases"] for reason in case["invalid"]]
    return bool(reasons) and all(re.search("host_|late|client_bott", each) for each in reasons)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Copy the repository, with the scenarios of the pages and stored runs of one of them."""
    path = copy_checkout(tmp_path_factory.mktemp("copy"))
    (path / ".venv").symlink_to(sys.prefix)
    (path / "mine.yaml").write_text(scenario_on("README.md"), encoding="utf-8")
    (path / "my.yaml").write_text(scenario_on("docs/scenarios.md"), encoding="utf-8")
    copy = Copy(path)
    copy.run(FIRST_RUN)
    (stored,) = (path / "results").glob("mine-*")
    for name in STORED:
        shutil.copytree(stored, path / "results" / name)
    shutil.copytree(stored, path / "artifact")
    return copy


LONGEST = ("8-what-a-client-omits", "9-what-a-process-costs", "11-the-cured-blocking-call")
"""Each takes half a minute, or must be alone. Others: test_selftest, test_twin, ground truth."""


def lesson(page: Path) -> ParameterSet:
    """Return a lesson, beside others unless it forks for each connection.

    Nobody can tell how long a process waited for a CPU once it has ended, so such a run would be
    judged though other tests delayed it.
    """
    models = load_scenario(page.with_suffix(".yaml"), discover_models()).models
    ends_early = Kind.PROCESSES_EACH in map(discover_twins().get, models)
    return pytest.param(page, id=page.stem, marks=() if ends_early else pytest.mark.together)


@pytest.mark.slow
@pytest.mark.together
@pytest.mark.parametrize("page", OTHER_PAGES)
def test_the_commands_of_a_page_do_what_they_say(page: str, copy: Copy) -> None:
    for command in commands():
        if command.page == page and command.is_run:
            copy.check(command.text)


@pytest.mark.slow
@pytest.mark.parametrize("page", [*map(lesson, LESSONS)])
def test_a_lesson_comes_out_as_its_page_says(page: Path, copy: Copy, *, is_long: bool) -> None:
    """Its guesses are not graded if none is passed; its answers are right; *Look* has its words."""
    if page.stem in LONGEST and not is_long:
        pytest.skip("takes long: only with --long")
    name = f"docs/lessons/{page.name}"
    need_interpreter(load_scenario(page.with_suffix(".yaml"), discover_models()).interpreter)
    for text in [each.text for each in commands() if each.page == name and each.is_run]:
        printed = copy.check(text)
        if not RUN.match(text):
            continue
        assert "your guess" not in printed
        summary = copy.summary(printed)
        folder = re.findall(r"^results: (.*)$", printed, re.MULTILINE)[-1]
        report = (copy.path / folder / "report.html").read_text(encoding="utf-8")
        shown = html.unescape(report).lower()
        assert [each for each in look_of(page) if each not in shown] == []
        assert summary["answer"]["sentences"]
        if not is_disturbed(summary):
            assert wrong_answers(page, text, summary) == []


def wrong_answers(page: Path, text: str, summary: dict[str, Any]) -> list[str]:
    """Return the answers of the page that the run does not confirm; they are for no ``--set``."""
    asked = parse_arguments(text.split("orchestrate.py ", 1)[1].split())
    if asked.settings:
        return []
    scenario = load_scenario(asked.scenario, discover_models(), answers_of(page))
    return [
        f"{case['name']}: {each.expression}, measured {each.measured}"
        for case in summary["cases"]
        for each in grade(
            scenario.guesses(case["model"]),
            {key.removesuffix("_s"): value for key, value in case["measures"].items()},
        )
        if each.grade is not Grade.RIGHT
    ]
