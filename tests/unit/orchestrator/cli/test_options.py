"""Options that several commands share."""

import argparse
from pathlib import Path

import pytest

from orchestrator.cli.options import add_json, add_place, add_scenario, read_scenario
from orchestrator.scenario.fields import PREDICTION_LOAD
from orchestrator.scenario.yaml_document import ScenarioError

SCENARIO = """\
intent: How many?
models: [single]
variables: {users: 1}
clients: [{executor: closed, users: $users, messages: 1, demand: sleep=1ms}]
"""


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_scenario(parser)
    add_json(parser, "the answer")
    return parser


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return str(path)


def test_only_a_command_that_can_use_several_hosts_has_their_backend(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, several = argparse.ArgumentParser(), argparse.ArgumentParser()
    add_place(one)
    add_place(several, has_swarm=True)
    chosen = several.parse_args(["--backend", "swarm"])
    assert (chosen.backend, chosen.hosts) == ("swarm", None)
    chosen = several.parse_args(["--backend", "swarm", "--hosts", "mine.yaml"])
    assert chosen.hosts == Path("mine.yaml")
    with pytest.raises(SystemExit):
        one.parse_args(["--backend", "swarm"])
    assert "invalid choice: 'swarm'" in capsys.readouterr().err


def test_variables_are_set_and_may_contain_an_equals_sign(parser: argparse.ArgumentParser) -> None:
    parsed = parser.parse_args(["s.yaml", "--set", "users=5", "--set", "demand=sleep=1s"])
    assert parsed.settings == [("users", "5"), ("demand", "sleep=1s")]
    assert parser.parse_args(["s.yaml"]).settings == []


@pytest.mark.parametrize("text", ["users", "=5", ""])
def test_what_sets_nothing_is_refused(
    parser: argparse.ArgumentParser, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args(["s.yaml", "--set", text])
    assert f"{text!r} is not NAME=VALUE; write e.g. users=50" in capsys.readouterr().err


def test_the_scenario_is_read_with_its_variables(
    parser: argparse.ArgumentParser, path: str
) -> None:
    scenario = read_scenario(parser.parse_args([path, "--set", "users=5"]))
    assert scenario.settings.groups[0].peak_users == 5


def test_a_prediction_may_have_more_load_than_a_run(
    parser: argparse.ArgumentParser, path: str
) -> None:
    arguments = parser.parse_args([path, "--set", "users=20000"])
    with pytest.raises(ScenarioError, match="20000 is out of range"):
        read_scenario(arguments)
    assert read_scenario(arguments, PREDICTION_LOAD).settings.groups[0].peak_users == 20_000


def test_json_is_off_by_default_and_its_help_says_what_is_printed(
    parser: argparse.ArgumentParser,
) -> None:
    assert parser.parse_args(["s.yaml"]).json is False
    assert parser.parse_args(["s.yaml", "--json"]).json is True
    assert "print the answer instead of tables" in parser.format_help()
