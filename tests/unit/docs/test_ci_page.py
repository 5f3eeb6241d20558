"""docs/ci.md and the ready workflows name only commands, options and files that there are."""

import argparse
import re
import shlex
from pathlib import Path

import pytest
import yaml

from orchestrator.campaign.comparison import COMPARED, MORE_IS_BETTER
from orchestrator.cli.main import parse_arguments
from orchestrator.scenario.models import ROOT

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COMMAND = re.compile(r"python orchestrate\.py ((?:[^`|#\n&]|\n +--)+)")


def commands(text: str) -> list[list[str]]:
    """Return the arguments of each call of ``orchestrate.py`` in ``text``."""
    calls = [call.partition("||")[0] for call in COMMAND.findall(text.replace("$THRESHOLD", "5%"))]
    return [shlex.split(call) for call in calls]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_command_can_be_asked(path: Path) -> None:
    for arguments in commands(path.read_text(encoding="utf-8")):
        asked = parse_arguments(arguments)
        scenario = getattr(asked, "scenario", None)
        assert scenario is None or "$" in str(scenario) or (ROOT / scenario).is_file()


def test_the_page_has_commands() -> None:
    assert {parse_arguments(each).command for each in commands(PAGE)} >= {
        "run",
        "capacity",
        "compare",
        "clean",
    }


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


def test_the_page_names_what_is_compared_and_which_way() -> None:
    plain = " ".join(PAGE.split())
    assert ", ".join(f"`{name}`" for name in COMPARED) in plain
    for name in MORE_IS_BETTER:
        assert f"`{name}`" in plain or name.startswith("fairness_")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 30
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "text from outside in a shell"


def test_the_workflow_compares_by_a_ready_scenario() -> None:
    gate = yaml.safe_load((ROOT / ".github" / "workflows" / "gate.yml").read_text())
    assert (ROOT / gate["env"]["SCENARIO"]).is_file()


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "plan", "capacity", "validate", "report", "compare", "clean", "schema"):
        with pytest.raises(SystemExit) as exited:
            parse_arguments([command, "--help"])
        assert exited.value.code == 0
        said = capsys.readouterr().out
        assert f"orchestrate.py {command}" in said
        assert "exit codes:" in said
    assert isinstance(parse_arguments(["plan", "x.yaml"]), argparse.Namespace)
