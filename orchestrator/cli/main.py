"""``orchestrate.py``: runs a command line and returns an exit code, without a traceback for misuse.

A command is a module of this package. `COMMANDS` names each with one line of help, in the order in
which ``--help`` lists them; a module is imported when its command is used, so that ``--help`` and
``validate`` do not wait for numpy, Docker and the report. A command module defines:

``add_arguments(parser)``
    adds its arguments and options to ``parser``.
``execute(arguments)``
    runs the command and returns the exit code; it may raise a `LabError`.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, Protocol

from orchestrator.cli.output import say
from orchestrator.cli.streams import guarded
from orchestrator.execution import interrupts
from orchestrator.measures.hints import closest, listed, quote
from orchestrator.report.escape import printable
from orchestrator.results.defect import traced
from orchestrator.results.exit_codes import INTERRUPTED, LabError

COMMANDS = {
    "run": "run a scenario (the word run may be omitted)",
    "plan": "print what would run, in order, and about how long it takes; run nothing",
    "predict": "print what queueing theory predicts for a scenario; run nothing",
    "capacity": "search the greatest load at which the objectives of each case hold",
    "reproduce": "try published claims on this machine; which come out as known?",
    "quiz": "ask problems about who waits for whom; with --run, the machine answers, too",
    "explore": "open a page in the browser: play with a scenario, watch a run, learn",
    "validate": "check scenario files; run nothing",
    "report": "analyse stored results again; several runs are shown side by side on one page",
    "analyse": "the same as report",
    "compare": "compare two runs; exit code 1 if a measure is worse, with confidence",
    "clean": "remove what a killed run left: containers, networks, processes",
    "hosts": "check the engines of a hosts file: reachable, in one swarm, the same images",
    "schema": "print the JSON Schema of scenarios, for editors",
}
_MODULES = {"analyse": "report"}
"""The modules of commands that have another name."""

USAGE = """orchestrate.py [run] SCENARIO [options]
       orchestrate.py plan SCENARIO [options]
       orchestrate.py predict SCENARIO [options]
       orchestrate.py capacity SCENARIO [options]
       orchestrate.py reproduce [NAME...] [options]
       orchestrate.py quiz [options]
       orchestrate.py explore [SCENARIO] [options]
       orchestrate.py validate SCENARIO...
       orchestrate.py report|analyse RESULTS [--json]
       orchestrate.py compare RUN_A RUN_B [options]
       orchestrate.py compare --calibrate SCENARIO [options]
       orchestrate.py clean [options]
       orchestrate.py hosts [FILE]
       orchestrate.py schema [--hosts]"""
EPILOG = """\
examples:
  python orchestrate.py scenarios/quickstart.yaml
  python orchestrate.py scenarios/classic.yaml --backend process
  python orchestrate.py run mine.yaml --out measured --keep
  python orchestrate.py mine.yaml --set users=50 --set rate=200/s
  python orchestrate.py plan mine.yaml --set users=50
  python orchestrate.py predict mine.yaml --set users=1000000
  python orchestrate.py capacity mine.yaml --slo "p99 < 50ms" --at 200/s
  python orchestrate.py reproduce kingman --tier full
  python orchestrate.py quiz --seed 7
  python orchestrate.py explore
  python orchestrate.py explore mine.yaml --export page.html
  python orchestrate.py validate scenarios/*.yaml
  python orchestrate.py report results/quickstart-20260131T120000Z-1a2b3c4d --json
  python orchestrate.py compare results/before results/after --threshold 10% --measure p99
  python orchestrate.py clean --dry-run
  python orchestrate.py hosts lab.hosts.yaml

exit codes:
  0    all expectations hold; compare: no certain regression
  1    an expectation failed; compare: a regression; capacity: --at does not hold;
       reproduce: a verdict contradicts what is known; quiz --run: twin and machine differ
  2    the command line or the scenario is invalid
  3    the engine or the infrastructure failed
  4    the run is invalid as a measurement, with the reason; compare, capacity, reproduce,
       quiz --run: undecided
  130  interrupted; what was started is removed, or named if the engine is silent

docs/scenarios.md describes the scenario language and docs/results.md the results;
docs/ci.md shows how to test a server of your own in CI.
"""


class Command(Protocol):
    """What a command module defines."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace], int]


def main(words: Sequence[str] = sys.argv[1:]) -> int:
    """Run the command line ``words`` and return the exit code of the command.

    An exception that is no `LabError` is a line too, and its traceback a file.
    """
    interrupts.install()
    try:
        with traced():
            arguments = parse_arguments(words)
            return _module(arguments.command).execute(arguments)
    except LabError as exc:
        say(str(exc) if exc.has_position else f"orchestrate.py: {exc}")
        return exc.exit_code
    except KeyboardInterrupt:
        say(f"orchestrate.py: {interrupts.cause()}")
        return INTERRUPTED


def program() -> int:
    """Run the command line of this process, with streams that never end it."""
    with guarded():
        return main()


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; ``run`` is the default command.

    Raises:
        SystemExit: with 2 if the command line is invalid, with 0 after ``--help``.
    """
    words = list(words)
    if not words or _is_unknown_command(words[0]):
        _parser(()).error(_unknown_command(words[0] if words else ""))
    if words[0] not in (*COMMANDS, "-h", "--help"):
        words.insert(0, "run")
    parser = _parser(words[:1])
    arguments, unrecognized = parser.parse_known_args(words)
    if unrecognized:
        parser.error(_unrecognized(words[0], unrecognized))
    return arguments


def _unrecognized(command: str, words: Sequence[str]) -> str:
    """Return the error for ``words`` that ``command`` does not take: the closest of its options."""
    parser = argparse.ArgumentParser(add_help=False)
    _module(command).add_arguments(parser)
    names = re.findall(r"--([a-z-]+)", parser.format_usage())
    asked = (word[2:].partition("=")[0] for word in words if word.startswith("--"))
    meant = next((each for word in asked if (each := closest(word, names))), None)
    hint = f"did you mean --{meant}? " if meant else ""
    known = f"options of {command}: {listed(f'--{name}' for name in names) or 'none'}"
    return f"unrecognized arguments: {' '.join(words)}; {hint}{known}"


def _is_unknown_command(word: str) -> bool:
    """Return whether ``word`` is meant as a command: it is no option, path or file."""
    is_word = re.fullmatch(r"[A-Za-z_-]+", word) is not None and not word.startswith("-")
    return is_word and word not in COMMANDS and not Path(word).exists()


def _unknown_command(word: str) -> str:
    """Return what may stand in place of ``word``; of a scenario's name, its file if it exists."""
    known = f"commands: {listed(COMMANDS)}; or give a scenario file, which is run"
    if not word:
        return f"no command and no scenario; {known}"
    ready = Path("scenarios") / f"{word}.yaml"
    meant = str(ready) if ready.exists() else closest(word.lower(), COMMANDS)
    hint = f"did you mean {meant}? " if meant else ""
    return f"unknown command {quote(word)}, and there is no such file; {hint}{known}"


def _parser(used: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of all commands; only the ``used`` ones have their arguments."""
    parser = _Parser(
        prog="orchestrate.py",
        usage=USAGE,
        description="Run a scenario against the servers, measure them, and report the results.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(
        dest="command", metavar="command", required=True, parser_class=_CommandParser
    )
    for name, summary in COMMANDS.items():
        about = f"{summary[0].upper()}{summary[1:]}."
        command = commands.add_parser(name, help=summary, description=about)
        if name in used:
            _module(name).add_arguments(command)
    return parser


def _module(command: str) -> Command:
    return import_module(f"orchestrator.cli.{_MODULES.get(command, command)}")


class _Parser(argparse.ArgumentParser):
    """A parser that quotes a wrong argument without control characters."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and ``message``, and exit with 2."""
        super().error(printable(message))


class _CommandParser(_Parser):
    """The parser of one command; its help ends with the examples and exit codes of all."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 argparse's own
        prog = f"orchestrate.py {options.pop('prog').split()[-1]}"
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(
            **options, prog=prog, epilog=EPILOG, formatter_class=layout, allow_abbrev=False
        )
