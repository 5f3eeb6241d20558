"""``lint-imports`` holds the layers of the house; an import that breaks them is found and named."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import ROOT

PARTS = ("labkit", "services", "client", "faultproxy", "probe", "conformance", "orchestrator")
LAYERS = (
    "cli", "explore", "report", "capacity | quiz", "campaign", "twin", "analysis | execution",
    "scenario", "results | measures",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of all parts and of the contracts, to be broken."""
    copy = tmp_path_factory.mktemp("house")
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def broken_contracts(house: Path) -> str:
    """Return what ``lint-imports`` prints of broken contracts, empty if all are kept."""
    ended = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=house,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Contracts" in ended.stdout, ended.stdout + ended.stderr
    return "" if ended.returncode == 0 else ended.stdout


def test_the_layers_are_those_of_the_plan(house: Path) -> None:
    lines = "".join(f'    "{layer}",\n' for layer in LAYERS)
    assert f"layers = [\n{lines}]" in (house / "pyproject.toml").read_text()
    assert broken_contracts(house) == ""


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("measures/hints.py", "scenario.plan"),  # from below to above
        ("analysis/join.py", "execution.owner"),  # beside it, and neither may know the other
        ("report/escape.py", "execution.owner"),  # below it, and still no report needs a backend
        ("campaign/verdict.py", "campaign.campaign"),  # reaches a backend through a third module
        ("twin/demands.py", "analysis.helper"),  # the third module is new
    ],
)
def test_an_import_that_breaks_them_is_found(house: Path, module: str, imported: str) -> None:
    path, helper = house / "orchestrator" / module, house / "orchestrator/analysis/helper.py"
    before = path.read_text()
    helper.write_text("from orchestrator.execution import owner\n")
    if imported != "analysis.helper":
        helper.unlink()
    package, _, name = imported.rpartition(".")
    path.write_text(f"{before}\nfrom orchestrator.{package} import {name}\n")
    try:
        printed = broken_contracts(house)
    finally:
        path.write_text(before)
        helper.unlink(missing_ok=True)
    assert f"orchestrator.{module.removesuffix('.py').replace('/', '.')}" in printed
