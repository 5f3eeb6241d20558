"""ADDING_A_MODEL.md, followed to the letter in a copy of the repository: its model passes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conformance import ROOT

CONTRACT = ROOT / "conformance/contract"
PAGE = (ROOT / "ADDING_A_MODEL.md").read_text(encoding="utf-8")
CHECKS = (
    "faults and not beyond",
    "defects or drain or inheritance or processes",
    "peers or log or reload or protocol or settings",
    "timing or beyond",
)
"""All checks, in parts that take about equally long; what is timed is tried alone."""

KEPT = {".ci", ".dockerignore", ".github"}
"""Hidden files that the tests of the repository read."""


def not_copied(folder: str, names: list[str]) -> set[str]:
    """Return what a copy of the repository leaves out: caches, environments, results of runs."""
    hidden = {name for name in names if name.startswith(".")} - KEPT
    left_out = hidden | ({"__pycache__"} & {*names})
    return left_out | ({"results"} if Path(folder) == ROOT else set())


def block(language: str) -> str:
    """Return the first block of the page in ``language``."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, language
    return found[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the repository and add the model of the page."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=not_copied)
    subprocess.run(["bash", "-e", "-c", block("sh")], cwd=copy, check=True)
    (copy / "services/perconn/server.py").write_text(block("python"), encoding="utf-8")
    compose = (copy / "compose.yaml").read_text(encoding="utf-8")
    assert compose.count("\nservices:\n") == 1
    added = compose.replace("\nservices:\n", f"\nservices:\n{block('yaml')}")
    (copy / "compose.yaml").write_text(added, encoding="utf-8")
    return copy


def test_the_parts_are_all_checks() -> None:
    """Each name of a check has the name of its file in it."""
    files = {path.stem.removeprefix("test_") for path in CONTRACT.glob("test_*.py")} - {"docs"}
    assert files == {*re.findall("[a-z]+", " ".join(CHECKS))} - {"and", "not", "or", "beyond"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "checks", [*CHECKS[:-1], pytest.param(CHECKS[-1], marks=pytest.mark.alone)]
)
def test_the_model_of_the_page_passes_the_contract(
    copy: Path, checks: str, *, is_long: bool
) -> None:
    if checks in CHECKS[:2] and not is_long:
        pytest.skip("its kind passes them in every test run; the page's own model with --long")
    assert re.search(r"^make conformance MODEL=perconn$", PAGE, re.MULTILINE)
    tried = subprocess.run(
        [
            *("make", "conformance", f"MODEL=perconn --only '{checks}'", f"PY={sys.executable}"),
            *("-o", ".venv/dev.stamp"),  # this interpreter has what the contract needs
        ],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert " passed, 0 failed" in tried.stdout


@pytest.mark.slow
def test_the_model_of_the_page_keeps_the_rules_of_the_repository(copy: Path) -> None:
    """Its page, and its place in the README, are written as the page on adding a model asks."""
    page, readme = copy / "services/perconn/README.md", copy / "README.md"
    text = page.read_text(encoding="utf-8").replace("single", "perconn").replace("3001", "3016")
    page.write_text(text, encoding="utf-8")
    link = "[`{0}`](services/{0}/README.md)"
    listed, sibling = readme.read_text(encoding="utf-8"), link.format("thread_per_connection")
    assert listed.count(sibling) == 1
    added = listed.replace(sibling, f"{sibling} · {link.format('perconn')}")
    readme.write_text(added, encoding="utf-8")
    tried = subprocess.run(
        [
            *("make", "test", "ARGS=tests/architecture"),
            f"PY={sys.executable}",
            "-o",
            ".venv/dev.stamp",
        ],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_the_entry_of_the_page_is_a_server(copy: Path) -> None:
    service = yaml.safe_load((copy / "compose.yaml").read_text())["services"]["perconn"]
    assert service["labels"]["lab.role"] == "server"
    assert service["build"]["dockerfile"] == "services/perconn/Dockerfile"
