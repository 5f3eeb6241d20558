"""The command line: every command is a module, ``--help`` is quick, errors become exit codes."""

import argparse
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import pytest

from orchestrator.cli import main as module
from orchestrator.cli.main import COMMANDS, USAGE, main, parse_arguments
from orchestrator.execution.backend import BackendError
from orchestrator.results.exit_codes import LabError, MisuseError
from orchestrator.scenario.models import ROOT
from orchestrator.scenario.yaml_document import Problem, ScenarioError


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_a_module(command: str) -> None:
    name = {"analyse": "report"}.get(command, command)
    found = import_module(f"orchestrator.cli.{name}")
    found.add_arguments(argparse.ArgumentParser())
    assert callable(found.execute)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: orchestrate.py {command} ")
    assert "exit codes:" in printed
    assert command in USAGE


def test_help_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert all(re.search(rf"^ +{each}\s", printed, re.MULTILINE) for each in COMMANDS)


def modules_after(*words: str) -> set[str]:
    """Return the top-level modules that a command line has imported when it ends."""
    program = (
        "import contextlib, io, sys\n"
        "from orchestrator.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    main({list(words)!r})\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


def test_help_imports_no_large_package() -> None:
    assert modules_after("--help") & {"numpy", "pydantic", "docker", "yaml", "rich"} == set()


def test_validate_needs_no_analysis_and_no_engine() -> None:
    imported = modules_after("validate", "scenarios/quickstart.yaml")
    assert "pydantic" in imported
    assert imported & {"numpy", "docker", "jinja2"} == set()


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["one.yaml"], "run"),
        (["run", "one.yaml"], "run"),
        (["--backend", "process", "one.yaml"], "run"),
        (["plan", "one.yaml"], "plan"),
    ],
)
def test_run_is_the_default_command(words: list[str], command: str) -> None:
    parsed = parse_arguments(words)
    assert (parsed.command, str(parsed.scenario)) == (command, "one.yaml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no command and no scenario"),
        (["plan"], "required: SCENARIO"),
        (["--bakend", "docker", "x.yaml"], "unrecognized arguments: --bakend"),
        (["x.yaml", "--back", "docker"], "unrecognized arguments: --back docker"),
    ],
)
def test_an_invalid_command_line_ends_with_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_an_unknown_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere.yaml"]) == 2
    assert capsys.readouterr().err.startswith(
        "nowhere.yaml:1:1: cannot be read: no such file or directory"
    )


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (BackendError("no engine answers"), 3, "orchestrate.py: no engine answers\n"),
        (MisuseError("no such run"), 2, "orchestrate.py: no such run\n"),
        (ScenarioError([Problem("a.yaml", 3, 7, "bad")]), 2, "a.yaml:3:7: bad\n"),
        (KeyboardInterrupt(), 130, "orchestrate.py: interrupted by \n"),
    ],
)
def test_an_expected_error_becomes_a_line_and_an_exit_code(
    error: LabError | KeyboardInterrupt, code: int, line: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    class Failing:
        @staticmethod
        def add_arguments(parser: argparse.ArgumentParser) -> None:
            parser.add_argument("--nothing")

        @staticmethod
        def execute(arguments: argparse.Namespace) -> int:
            assert arguments.command == "clean"
            raise error

    monkeypatch.setattr(module, "_module", lambda _: Failing)
    assert main(["clean"]) == code
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ZeroDivisionError("division by zero"), "unexpected ZeroDivisionError: division by zero"),
        (OSError(24, "Too many open files"), "too many open files (EMFILE); raise the limit"),
        (MemoryError(), "out of memory"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "no"), "unexpected UnicodeEncodeError"),
        (RuntimeError("two\nlines\n::error::x"), "unexpected RuntimeError: two lines ::error::x"),
    ],
    ids=["defect", "descriptors", "memory", "encoding", "lines"],
)
def test_what_nobody_expected_is_a_line_a_file_and_no_verdict(
    error: Exception, line: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    class Defective:
        add_arguments = staticmethod(lambda _: None)

        @staticmethod
        def execute(_: argparse.Namespace) -> int:
            raise error

    monkeypatch.setattr(module, "_module", lambda _: Defective)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert main(["clean"]) == 3
    (stored,) = tmp_path.iterdir()
    assert "Traceback" in stored.read_text()
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1
    assert str(stored) in said


def test_a_wrong_argument_is_quoted_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["validate", "a.yaml", "--x\x1b[31m\r::error::"])
    said = capsys.readouterr().err
    assert r"--x\x1b[31m" in said
    assert "\x1b" not in said
    assert "\n::" not in said.replace("\r", "\n")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["frobnicate"], ""),
        (["valdate", "a.yaml"], "did you mean validate? "),
        (["Run", "a.yaml"], "did you mean run? "),
        (["quickstart"], "did you mean scenarios/quickstart.yaml? "),
    ],
)
def test_an_unknown_command_names_the_commands_and_the_closest_one(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (
        f"orchestrate.py: error: unknown command '{words[0]}', and there is no such file; {meant}"
        f"commands: {', '.join(COMMANDS)}; or give a scenario file, which is run"
    )


def test_no_words_at_all_name_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "no command and no scenario; commands: run, plan" in capsys.readouterr().err


def test_a_file_without_an_ending_may_be_a_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").touch()
    assert parse_arguments(["mine"]).scenario == Path("mine")


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (
            ["clean", "--dryrun"],
            "unrecognized arguments: --dryrun; did you mean --dry-run? options of clean: "
            "--dry-run, --campaign, --hosts, --images, --all",
        ),
        (["schema", "x"], "unrecognized arguments: x; options of schema: --hosts"),
        (["validate", "a", "--jsn"], "unrecognized arguments: --jsn; options of validate: --set"),
    ],
)
def test_an_unknown_option_names_those_of_its_command(
    words: list[str], last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"orchestrate.py: error: {last}"
