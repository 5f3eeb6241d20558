"""Results go to standard output, messages to standard error; text from outside is harmless."""

import json

import pytest

from orchestrator.cli.output import print_out, say, say_command, write_out
from orchestrator.cli.screen import Screen

HOSTILE = [
    "::error::x",
    "  ::add-mask::x",
    "fine\n::stop-commands::x",
    "fine\r::error::x",
    "it said ##[error]x",
    "##vso[task.setvariable variable=a]b",
    "\x1b]0;title\x07\x1b[2J",
    "abc\u202edcba",
    "\x9b31m",
]
"""Texts that a CI runner or a terminal obeys."""


def is_harmless(printed: str) -> bool:
    """Whether neither a runner nor a terminal obeys anything in ``printed``."""
    lines = printed.splitlines()
    return (
        all(line.isprintable() for line in lines)
        and not any(line.lstrip().startswith("::") for line in lines)
        and "##[" not in printed
        and "##vso[" not in printed
    )


def test_messages_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("one line")
    assert capsys.readouterr() == ("", "one line\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_obeyed_by_a_runner_or_a_terminal(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say(text)
    print_out(text)
    screen = Screen()
    screen.print(text, markup=False, highlight=False, soft_wrap=True)
    printed = capsys.readouterr()
    assert is_harmless(printed.out + printed.err), printed


@pytest.mark.parametrize("text", HOSTILE)
def test_json_that_is_printed_is_harmless_and_reads_back_as_it_was(
    text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    write_out(json.dumps({"text": text}, indent=1, ensure_ascii=False))
    printed = capfd.readouterr().out
    assert is_harmless(printed)
    assert json.loads(printed) == {"text": text}


def test_text_keeps_its_lines_and_indentation(capsys: pytest.CaptureFixture[str]) -> None:
    print_out("a:\n    naïve 日本\n\tb")
    assert capsys.readouterr().out == "a:\n    naïve 日本\n    b\n"


def test_a_workflow_command_of_our_own_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    say_command("::error::x")
    assert capsys.readouterr().err == "::error::x\n"


def test_text_is_written_as_it_is(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_out("a\nb µs")
    assert capfdbinary.readouterr().out == "a\nb µs".encode()
