"""The command line: what can be asked of ``orchestrate.py``, and the help that teaches it."""

import argparse
from collections.abc import Sequence
from typing import Any

from orchestrator.commands import COMMANDS

USAGE = """orchestrate.py [run] SCENARIO [options]
       orchestrate.py plan SCENARIO [options]
       orchestrate.py predict SCENARIO [options]
       orchestrate.py validate SCENARIO...
       orchestrate.py report|analyse RESULTS [--json]
       orchestrate.py compare RUN_A RUN_B [options]
       orchestrate.py clean [options]
       orchestrate.py schema"""
EPILOG = """\
examples:
  python orchestrate.py scenarios/quickstart.yaml
  python orchestrate.py scenarios/classic.yaml --backend process
  python orchestrate.py run mine.yaml --out measured --keep
  python orchestrate.py mine.yaml --set users=50 --set rate=200/s
  python orchestrate.py plan mine.yaml --set users=50
  python orchestrate.py predict mine.yaml --set users=1000000
  python orchestrate.py validate scenarios/*.yaml
  python orchestrate.py report results/quickstart-20260131T120000Z-1a2b3c4d --json
  python orchestrate.py compare results/before results/after --threshold 10% --measure p99
  python orchestrate.py clean --dry-run

exit codes:
  0    all expectations hold; compared, there is no sure regression
  1    an expectation failed; compared, there is a regression
  2    the command line or the scenario is invalid
  3    the engine or the infrastructure failed
  4    the run is invalid as a measurement, with the reason; compared, nothing can be told
  130  interrupted, everything cleaned up

The scenario language is in docs/scenarios.md, the results are explained in docs/results.md, how
to gate a server of your own in CI in docs/ci.md.
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
        usage=USAGE,
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
