"""Options that several commands share."""

import argparse
from pathlib import Path

import pytest

from orchestrator.cli.options import (
    add_json,
    add_place,
    add_scenario,
    backend_of,
    read_scenario,
)
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.fields import PREDICTION_LOAD
from orchestrator.scenario.scenario import Scenario
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


def of(backend: str | None) -> Scenario:
    return Scenario.model_construct(backend=backend)


def test_the_command_line_names_the_backend_or_else_the_scenario() -> None:
    parser = argparse.ArgumentParser()
    add_place(parser, has_swarm=True)
    given, none = parser.parse_args(["--backend", "docker"]), parser.parse_args([])
    assert backend_of(given, of("process")) == "docker"
    assert backend_of(none, of("process"), of(None), of("process")) == "process"
    assert backend_of(none, of("swarm")) == "swarm"
    assert backend_of(none) == backend_of(none, of(None)) == "auto"


def test_a_backend_that_a_command_does_not_have_and_two_at_once_are_misuse() -> None:
    parser = argparse.ArgumentParser()
    add_place(parser)
    none = parser.parse_args([])
    with pytest.raises(MisuseError, match="backend: swarm, which only run has; add --backend doc"):
        backend_of(none, of("swarm"))
    with pytest.raises(MisuseError, match="name several backends, process, docker; add --backend"):
        backend_of(none, of("process"), of("docker"))


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
