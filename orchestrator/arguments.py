"""The command line: what can be asked of ``orchestrate.py``, and the help that teaches it."""

import argparse
from collections.abc import Sequence
from typing import Any

from orchestrator.commands import COMMANDS

EPILOG = """\
examples:
  python orchestrate.py scenarios/quickstart.yaml
  python orchestrate.py scenarios/classic.yaml --backend process
  python orchestrate.py run mine.yaml --out measured --keep
  python orchestrate.py mine.yaml --set users=50 --set rate=200/s
  python orchestrate.py validate scenarios/*.yaml
  python orchestrate.py report results/quickstart-20260131T120000Z-1a2b3c4d

exit codes:
  0    all expectations hold
  1    an expectation failed
  2    the command line or the scenario is invalid
  3    the engine or the infrastructure failed
  4    the run is invalid as a measurement, with the reason
  130  interrupted, everything cleaned up

The scenario language is in docs/scenarios.md, the results are explained in docs/results.md.
"""


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what was asked; a scenario alone means ``run``.

    Raises:
        SystemExit: with 2 where it cannot be understood, with 0 after ``--help``.
    """
    asked = list(arguments)
    if asked and asked[0] not in (*COMMANDS, "-h", "--help"):
        asked.insert(0, "run")
    return _parser().parse_args(asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="orchestrate.py",
        usage="orchestrate.py [run] SCENARIO [options]\n"
        "       orchestrate.py validate SCENARIO...\n"
        "       orchestrate.py report RESULTS",
        description="Run a scenario against the servers, measure, and say what happened.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(
        dest="command", metavar="command", required=True, parser_class=_Command
    )
    for name, command in COMMANDS.items():
        about = (command.__doc__ or "").partition("\n")[0].rstrip(".")
        command.add_arguments(commands.add_parser(name, help=about))
    return parser


class _Command(argparse.ArgumentParser):
    """The parser of one command: its help ends in the same words as that of all."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 argparse's own
        prog = f"orchestrate.py {options.pop('prog').split()[-1]}"
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(
            **options, prog=prog, epilog=EPILOG, formatter_class=layout, allow_abbrev=False
        )
