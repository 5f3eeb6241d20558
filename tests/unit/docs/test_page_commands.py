"""The commands on the pages can be given: options, scenarios and targets exist.

`tests/e2e/test_page_commands.py` runs those that are not listed.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from conformance import ROOT
from orchestrator.cli.main import main, parse_arguments
from tests.page_commands import (
    NOT_RUN,
    ORCHESTRATE,
    PLANNED,
    PROGRAM,
    Command,
    blocks,
    commands,
    pages,
    scenario_on,
)

WRITTEN = {each.text for each in commands()}
OF_THE_LAB = [each for each in commands() if each.text.startswith(ORCHESTRATE)]
INLINE = re.compile(r"`((?:make|orchestrate\.py) [^`…]+)`")


def arguments_of(text: str) -> list[str]:
    """Return the arguments of a call of ``orchestrate.py``, up to a pipe or another command."""
    return shlex.split(re.split(r" \|\|? ", text)[0].split("orchestrate.py ", 1)[1])


def test_the_pages_have_commands() -> None:
    assert len(commands()) > 70
    assert {"README.md", "ADDING_A_MODEL.md", "docs/ci.md"} <= {each.page for each in commands()}
    assert {f"docs/lessons/{number}" for number in range(1, 9)} <= {
        each.page.partition("-")[0] for each in commands()
    }


@pytest.mark.parametrize("text", [*NOT_RUN, *PLANNED])
def test_what_is_listed_stands_on_a_page(text: str) -> None:
    assert text in WRITTEN


def test_what_serves_until_it_is_stopped_is_listed() -> None:
    """A test that ran it would wait for its end."""
    pages_served = [each.text for each in OF_THE_LAB if "orchestrate.py explore" in each.text]
    assert pages_served
    assert [text for text in pages_served if text not in NOT_RUN] == []


@pytest.mark.parametrize("page", pages())
def test_a_command_stands_in_a_block_of_sh(page: str) -> None:
    """Elsewhere no test would find it."""
    others = [line for lang, lines in blocks(pages()[page]) if lang == "" for line in lines]
    assert [line for line in others if PROGRAM.match(line)] == []


@pytest.mark.parametrize("command", OF_THE_LAB, ids=lambda each: f"{each.page}: {each.text}")
def test_the_lab_understands_every_command(command: Command) -> None:
    with_run = parse_arguments(arguments_of(command.text)) if "--help" not in command.text else None
    scenario = getattr(with_run, "scenario", None)
    assert scenario is None or scenario.name in ("mine.yaml", "my.yaml") or scenario.is_file()


@pytest.mark.parametrize("text", PLANNED)
def test_what_is_planned_only_can_be_planned(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = parse_arguments(arguments_of(text))
    mine = tmp_path / "my.yaml"
    mine.write_text(scenario_on("docs/scenarios.md"), encoding="utf-8")
    scenario = mine if asked.scenario.name == mine.name else asked.scenario
    settings = [f"--set={name}={value}" for name, value in asked.settings]
    assert main(["plan", str(scenario), *settings]) == 0
    assert "case" in capsys.readouterr().out


@pytest.mark.parametrize("text", [text for text in NOT_RUN if re.search(r"\bmake ", text)])
def test_make_has_every_target(text: str) -> None:
    dry = re.sub(r"\bmake ", "make -n ", text)
    tried = subprocess.run(dry, shell=True, cwd=ROOT, capture_output=True, check=False)  # noqa: S602
    assert tried.returncode == 0, tried.stderr


@pytest.mark.parametrize("page", pages())
def test_a_command_in_a_sentence_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for text in INLINE.findall(pages()[page]):
        first, *words = text.split()
        if first == "make":
            targets = {word for word in words if "=" not in word and not word.startswith("-")}
            assert targets <= {*re.findall(r"^([\w./-]+):", makefile, re.MULTILINE)}
        elif re.fullmatch("[a-z]+", words[0]):
            assert words[0] in LAB_COMMANDS, text


LAB_COMMANDS = (
    "run",
    "plan",
    "predict",
    "capacity",
    "reproduce",
    "quiz",
    "explore",
    "validate",
    "report",
    "compare",
    "clean",
    "hosts",
    "schema",
)
