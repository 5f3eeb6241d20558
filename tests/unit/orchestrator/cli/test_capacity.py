"""The command ``capacity``: what it asks for, and what it refuses."""

import shlex
from pathlib import Path

import pytest

from orchestrator.cli.capacity import options_of, terms_of
from orchestrator.cli.main import main, parse_arguments
from orchestrator.cli.options import read_scenario
from orchestrator.cli.place import command_line

SCENARIO = """\
intent: How much?
models: [prefork]
clients: [{executor: open, rate: 100/s, duration: 5s, connections: each, demand: sleep=20ms}]
"""
USERS = SCENARIO.replace(
    "{executor: open, rate: 100/s, duration: 5s, connections: each,",
    "{executor: closed, users: 5, messages: 5,",
)
SLO = ("--slo", "p99 < 100ms")


def words(folder: Path, text: str, *options: str) -> list[str]:
    path = folder / "mine.yaml"
    path.write_text(text)
    return ["capacity", str(path), *options]


@pytest.mark.parametrize(
    ("options", "at", "width", "confidence"),
    [
        ((), None, 0.15, 0.95),
        (("--at", "200/s"), 200.0, 0.5, 0.9),
        (("--at", "600/m", "--width", "2%"), 10.0, 0.02, 0.95),
        (("--width", "0.1", "--confidence", "99%"), None, 0.1, 0.99),
    ],
)
def test_a_gate_is_content_with_wide_bounds(
    tmp_path: Path, options: tuple[str, ...], at: float | None, width: float, confidence: float
) -> None:
    arguments = parse_arguments(words(tmp_path, SCENARIO, *options))
    terms = terms_of(read_scenario(arguments), arguments)
    assert (terms.at, terms.width, terms.confidence) == (at, width, confidence)


def test_a_number_of_users_is_whole(tmp_path: Path) -> None:
    arguments = parse_arguments(words(tmp_path, USERS, "--at", "40"))
    terms = terms_of(read_scenario(arguments), arguments)
    assert terms.at == 40.0
    assert terms.settings.is_whole


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (SCENARIO, (), "no objective, and the scenario expects nothing of prefork"),
        (SCENARIO, ("--slo", "p99 < fast"), "--slo 'p99 < fast', column 7"),
        (SCENARIO, (*SLO, "--at", "40"), "the load of clients is a rate, e.g. 200/s"),
        (USERS, (*SLO, "--at", "40/s"), "the load of clients is a number of users, e.g. 40"),
        (SCENARIO, (*SLO, "--at", "0/s"), "is a rate, e.g. 200/s"),
        (SCENARIO, (*SLO, "--any"), "--any is about the load of --at"),
        (f"{SCENARIO}matrix: {{rate: [1/s]}}\n", SLO, "rate is an axis of the matrix"),
    ],
)
def test_misuse_is_a_line_and_exit_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    options: tuple[str, ...],
    message: str,
) -> None:
    assert main(words(tmp_path, text, *options)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("width", ["0", "100%", "wide", "-1"])
def test_a_width_is_a_share(tmp_path: Path, capsys: pytest.CaptureFixture[str], width: str) -> None:
    with pytest.raises(SystemExit):
        main(words(tmp_path, SCENARIO, *SLO, f"--width={width}"))
    assert "is not a share between 0 and 1; write e.g. 5% or 0.05" in capsys.readouterr().err


def test_the_results_have_the_command_that_searches_again(tmp_path: Path) -> None:
    options = ("--at", "200/s", "--any", *SLO, "--set", "a=1")
    arguments = parse_arguments(words(tmp_path, SCENARIO, *options))
    command = command_line(arguments, "process", ["capacity"], options_of(arguments))
    assert command.endswith(
        "mine.yaml --set a=1 --backend process --slo 'p99 < 100ms' --at 200/s --any"
    )
    again = parse_arguments(shlex.split(command)[2:])
    assert vars(again) == {**vars(arguments), "backend": "process"}
