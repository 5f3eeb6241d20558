"""The exit codes: those of the README; an error without a class of its own is our defect."""

import re

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.results import exit_codes
from orchestrator.results.archive import ArchiveError
from orchestrator.results.exit_codes import BROKEN, MISUSED, LabError
from orchestrator.scenario.models import ROOT
from orchestrator.scenario.yaml_document import ScenarioError

CODES = [value for name, value in vars(exit_codes).items() if name.isupper()]


def test_the_readme_explains_each_code_once() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Exit codes")[2].partition("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| ([0-9]+) \|", table, re.MULTILINE)] == CODES
    assert len(set(CODES)) == len(CODES)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ScenarioError([]), MISUSED),
        (BackendError("no engine"), BROKEN),
        (ArchiveError("no space"), BROKEN),
        (LabError("anything else"), BROKEN),
    ],
)
def test_an_error_carries_its_code(error: LabError, code: int) -> None:
    assert error.exit_code == code
