"""The command line: what can be asked of ``orchestrate.py``, and the help that teaches it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COMMANDS = ("run", "validate", "report")
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
    _add_run(commands.add_parser("run", help="run a scenario (may be left out)"))
    validate = commands.add_parser("validate", help="check scenario files, run nothing")
    validate.add_argument("scenarios", metavar="SCENARIO", nargs="+", type=Path)
    _add_settings(validate)
    report = commands.add_parser("report", help="analyse stored results again, run nothing")
    report.add_argument("results", metavar="RESULTS", type=Path, help="a folder under results/")
    return parser


class _Command(argparse.ArgumentParser):
    """The parser of one command: its help ends in the same words as that of all."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 argparse's own
        prog = f"orchestrate.py {options.pop('prog').split()[-1]}"
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(
            **options, prog=prog, epilog=EPILOG, formatter_class=layout, allow_abbrev=False
        )


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", type=Path, help="a scenario file (YAML)")
    _add_settings(parser)
    parser.add_argument(
        "--backend",
        choices=("auto", "docker", "process"),
        default="auto",
        help="containers, plain local processes, or (auto) containers where an engine answers",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("results"),
        help="where the folder with the results is made (default: results)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave the containers up for a look, and say how to remove them (docker only)",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        dest="settings",
        action="append",
        default=[],
        type=_setting,
        help="a value for one of the scenario's variables; may be repeated",
    )


def _setting(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r:.60} is no NAME=VALUE, e.g. users=50")
    return name, value
