"""``compare``: compare two runs; exit code 1 if the second has a regression."""

import argparse
import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from orchestrator.campaign.comparison import COMPARED, Change, Difference, differences, unmatched
from orchestrator.campaign.restore import RestoreError, read_summary
from orchestrator.cli.findings import publish_on_github
from orchestrator.cli.options import add_json
from orchestrator.cli.output import say, write_out
from orchestrator.cli.screen import Screen
from orchestrator.measures.hints import listed, unknown
from orchestrator.measures.registry import MEASURES, find_measure
from orchestrator.report.comparison import print_differences
from orchestrator.report.github import differences_annotations, differences_summary
from orchestrator.results.exit_codes import FAILS, HOLDS, INVALID, MisuseError
from orchestrator.results.strict_json import to_json
from orchestrator.results.summary import Summary

_PERCENT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)%")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add two results folders and the options."""
    parser.add_argument("first", metavar="RUN_A", type=Path, help="a results folder, the baseline")
    parser.add_argument(
        "second", metavar="RUN_B", type=Path, help="a results folder to compare with the baseline"
    )
    parser.add_argument(
        "--threshold",
        metavar="PERCENT",
        type=_share,
        default="5%",
        help="a change for the worse by more than this is a regression (default: 5%%)",
    )
    parser.add_argument(
        "--measure",
        metavar="NAME",
        dest="measures",
        action="append",
        type=_measure,
        help=f"a measure to compare, named as in an expectation; may be repeated (default: "
        f"{', '.join(COMPARED)})",
    )
    parser.add_argument(
        "--accept-invalid",
        action="store_true",
        help="also compare runs whose host was disturbed; the output says so",
    )
    add_json(parser, "the differences as JSON")


def _share(text: str) -> float:
    percent = _PERCENT.fullmatch(text)
    if not percent:
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not a percentage; write e.g. 5%")
    return float(percent[1]) / 100


def _measure(text: str) -> str:
    measure = find_measure(text)
    measured = [each.name for each in MEASURES.values() if each.kind == "measured"]
    if measure is None:
        raise argparse.ArgumentTypeError(unknown("measure", text, measured))
    if measure.kind == "input" or ("." in text and not measure.is_of_group):
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not measured; write e.g. {measured[0]}")
    return text


def execute(arguments: argparse.Namespace) -> int:
    """Show all differences; return 1 if there is a regression, 4 if all are undecided."""
    before, after = _read(arguments.first), _read(arguments.second)
    measures, threshold = arguments.measures or COMPARED, arguments.threshold
    accept = arguments.accept_invalid
    compared = differences(before, after, measures, threshold, accept_invalid=accept)
    if not compared:
        raise MisuseError(f"{arguments.first} and {arguments.second} have no case in common")
    if alone := unmatched(before, after):
        say(f"not compared, because only one of the runs has it: {listed(alone)}")
    if arguments.json:
        write_out(_as_json(compared))
    else:
        print_differences(Screen(), compared, threshold)
    publish_on_github(differences_summary(compared, threshold), differences_annotations(compared))
    return comparison_exit_code(compared)


def _read(folder: Path) -> Summary:
    try:
        return read_summary(folder)
    except OSError as exc:
        raise RestoreError(f"{exc.filename} cannot be read: {exc.strerror}") from exc


def _as_json(compared: Sequence[Difference]) -> str:
    """Return the differences as JSON; an infinite value is null, because JSON has no infinity."""
    rows = [
        {
            name: None if isinstance(value, float) and math.isinf(value) else value
            for name, value in asdict(each).items()
        }
        for each in compared
    ]
    return to_json({"differences": rows}, indent=2) + "\n"


def comparison_exit_code(compared: Sequence[Difference]) -> int:
    """Return the exit code for the differences."""
    changes = {each.change for each in compared}
    if Change.REGRESSION in changes:
        return FAILS
    return INVALID if changes <= {Change.UNKNOWN} else HOLDS
