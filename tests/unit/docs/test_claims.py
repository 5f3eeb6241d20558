"""The files in `claims/` and their page agree."""

import re
from pathlib import Path

import pytest
import yaml

from orchestrator.cli.claims_page import BEGIN, END, PAGE
from orchestrator.cli.reproduce import CLAIMS, read_files
from orchestrator.results.reproduction import Cell
from orchestrator.scenario.claims import Claim, Source
from orchestrator.scenario.models import ROOT
from orchestrator.scenario.variables import QUICK
from tests.unit.docs.claim_file_fixtures import verdicts
from tests.unit.docs.test_scenarios_page import rows

FILES = sorted(CLAIMS.glob("*.yaml"))
LANGUAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("tier", ["quick", "full"])
def test_every_file_is_valid_in_both_tiers(tier: str) -> None:
    """One whose claims all need the full tier is read in the quick one, too, and then left out."""
    written = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES}
    claims = {
        name: [each["says"] for each in file["claims"] if each.get("tier", QUICK) in (QUICK, tier)]
        for name, file in written.items()
    }
    read = {each.name: [one.says for one in each.scenario.claims] for each in read_files([], tier)}
    assert read == {name: of_tier for name, of_tier in claims.items() if of_tier}


def test_every_file_has_a_section_of_its_page_in_order() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^## `(\w+)`$", text, re.MULTILINE) == [path.stem for path in FILES]
    assert re.findall(r"\]\(\.\./claims/(\w+)\.yaml\)", text) == [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_names_its_section(path: Path) -> None:
    assert f"docs/claims-of-the-field.md#{path.stem}\n" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("heading", ["### `source`", "### `claims`"])
def test_the_page_lists_every_key(heading: str) -> None:
    section = Source if "source" in heading else Claim
    table = {name.strip("`"): default for name, _, default, *_ in rows(heading, LANGUAGE)}
    assert list(table) == list(section.model_fields)
    for name, field in section.model_fields.items():
        assert (table[name] == "required") == field.is_required()


def test_the_table_is_that_of_the_claims_as_they_are() -> None:
    """After a change to a claim the table is made anew, by make reproduce and make claims."""
    page = PAGE.read_text(encoding="utf-8")
    table = page[page.index(BEGIN) : page.index(END)]
    lines = [re.split(r"(?<!\\) \| ", line[2:]) for line in table.splitlines() if line[0:1] == "|"]
    cells = [(_plain(claim), _plain(of)) for claim, _, of, *_ in lines[2:]]
    expected: list[tuple[str, Cell]] = []
    for file in read_files([], QUICK):
        for claim in verdicts(file.name, lambda _: {}):
            expected += zip([claim.says, *[""] * len(claim.cells)], claim.cells, strict=False)
    assert cells == [(says, cell.of) for says, cell in expected]


def _plain(markdown: str) -> str:
    return re.sub(r"\\(\W|_)", r"\1", markdown)
