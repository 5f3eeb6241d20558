"""``compare``: compare two runs, or two capacity searches; exit code 1 if the second is worse."""

import argparse
import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from orchestrator.campaign.comparison import (
    COMPARED,
    Change,
    Difference,
    differences,
    unmatched,
    withheld,
)
from orchestrator.campaign.conditions import (
    Circumstances,
    Condition,
    Effect,
    conditions,
    obstacles,
)
from orchestrator.campaign.restore import (
    RestoreError,
    circumstances_of,
    read_summary,
    with_percentiles,
)
from orchestrator.campaign.self_comparison import HALVES, doubled, halves
from orchestrator.campaign.summarise import Findings
from orchestrator.cli.compare_capacities import compare_capacities, compares_capacities
from orchestrator.cli.findings import campaign_result, publish_on_github, store
from orchestrator.cli.options import (
    add_accept_invalid,
    add_json,
    add_place,
    add_settings,
)
from orchestrator.cli.output import say, write_out
from orchestrator.cli.run import perform
from orchestrator.cli.screen import Screen
from orchestrator.cli.tuned_scenario import read_tuned_scenario
from orchestrator.measures.hints import listed, unknown
from orchestrator.measures.percentiles import PercentileError, plain_name
from orchestrator.measures.registry import MEASURES, find_measure, full_name, percentile_problem
from orchestrator.report.comparison import (
    condition_lines,
    false_alarms,
    print_differences,
    why_withheld,
)
from orchestrator.report.github import differences_annotations, differences_summary
from orchestrator.report.text import faults_by_hand, verdict
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import FAILS, HOLDS, INVALID, MisuseError
from orchestrator.results.strict_json import to_json
from orchestrator.results.summary import Status, Summary

THRESHOLD = 0.05
"""As a share; by default."""

_PERCENT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)%")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add two results folders and the options."""
    parser.add_argument(
        "first",
        metavar="RUN_A",
        type=Path,
        help="a results folder, the baseline; with --calibrate: a scenario file",
    )
    parser.add_argument(
        "second",
        metavar="RUN_B",
        nargs="?",
        type=Path,
        help="a results folder to compare with the baseline",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="run a scenario twice, interleaved, compare both, and print the false alarms",
    )
    add_place(parser)
    add_settings(parser)
    parser.add_argument(
        "--threshold",
        metavar="PERCENT",
        type=_share,
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
        "--require",
        metavar="NAME",
        dest="required",
        action="append",
        default=[],
        type=_measure,
        help="a measure that must be decided in every case, or the exit code is 4; may be repeated",
    )
    add_accept_invalid(parser, "also compare runs whose host was disturbed")
    parser.add_argument(
        "--different-scenarios",
        dest="accepted",
        action="append_const",
        const=Effect.SCENARIO,
        default=[],
        help="give verdicts although the runs have different scenarios; without it, all rows are "
        "undecided, because other load gives other figures",
    )
    parser.add_argument(
        "--different-hosts",
        dest="accepted",
        action="append_const",
        const=Effect.HOST,
        help="the same if the backend, CPUs, kernel, Python or engine differ",
    )
    add_json(parser, "the differences as JSON")


def _share(text: str) -> float:
    percent = _PERCENT.fullmatch(text)
    if not percent:
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not a percentage; write e.g. 5%")
    return float(percent[1]) / 100


def _measure(text: str) -> str:
    try:
        text = plain_name(text)
    except PercentileError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None
    measure = find_measure(text)
    if problem := percentile_problem(text.rpartition(".")[2]) if measure is None else "":
        raise argparse.ArgumentTypeError(problem)
    measured = [each.name for each in MEASURES.values() if each.kind == "measured"]
    if measure is None:
        raise argparse.ArgumentTypeError(unknown("measure", text, measured))
    if measure.kind == "input" or ("." in text and not measure.is_of_group):
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not measured; write e.g. {measured[0]}")
    return text


def execute(arguments: argparse.Namespace) -> int:
    """Show all differences; return 1 if there is a regression, 4 if all are undecided.

    Also 4 if a required measure is undecided.
    """
    if arguments.calibrate:
        return _calibrate(arguments)
    if arguments.second is None:
        raise MisuseError("compare needs two results folders: compare RUN_A RUN_B")
    if compares_capacities(arguments):
        return compare_capacities(arguments)
    named = _named(arguments)
    (before, one), (after, other) = (
        _read(folder, named) for folder in (arguments.first, arguments.second)
    )
    compared = _differences(before, after, arguments)
    if not compared:
        raise MisuseError(f"{arguments.first} and {arguments.second} have no case in common")
    if alone := unmatched(before, after):
        say(f"not compared, because only one of the runs has it: {listed(alone)}")
    _name_faults_by_hand(arguments.first, before)
    _name_faults_by_hand(arguments.second, after)
    found = conditions(one, other)
    if in_the_way := obstacles(found, arguments.accepted):
        compared = withheld(compared, why_withheld(in_the_way))
    return _show(compared, arguments, found)


def _name_faults_by_hand(folder: Path, summary: Summary) -> None:
    if by_hand := faults_by_hand(summary):
        say(f"{folder}: not only its scenario, but also faults by hand: {listed(by_hand)}")


def _calibrate(arguments: argparse.Namespace) -> int:
    """Run the scenario twice, interleaved; every difference between the halves is a false alarm."""
    if arguments.second is not None:
        raise MisuseError("compare --calibrate needs one scenario file and nothing else")
    arguments.scenario, arguments.keep = arguments.first, False
    scenario = doubled(read_tuned_scenario(arguments))

    def finish(findings: Findings, archive: Archive) -> int:
        store(campaign_result(findings), archive)
        say(f"results: {archive.path}")
        if findings.summary.status is not Status.COMPLETE:
            say(verdict(findings.summary))
            return findings.summary.exit_code
        complete = with_percentiles(findings.summary, archive.path, _named(arguments))
        compared = _differences(*halves(complete), arguments)
        code = _show(compared, arguments)
        say(false_alarms(compared))
        return code

    return perform(arguments, scenario, finish, repeats_per_draw=HALVES)


def _differences(
    before: Summary, after: Summary, arguments: argparse.Namespace
) -> list[Difference]:
    measures, accept = _named(arguments), arguments.accept_invalid
    return differences(before, after, measures, _threshold(arguments), accept_invalid=accept)


def _threshold(arguments: argparse.Namespace) -> float:
    return THRESHOLD if arguments.threshold is None else float(arguments.threshold)


def _named(arguments: argparse.Namespace) -> list[str]:
    """Return the full names of the measures to compare, each once."""
    named = (*(arguments.measures or COMPARED), *arguments.required)
    return list(dict.fromkeys(map(full_name, named)))


def _show(
    compared: Sequence[Difference],
    arguments: argparse.Namespace,
    found: Sequence[Condition] | None = None,
) -> int:
    """Show the differences, and those of two runs beside their figures; return the exit code."""
    threshold, lines = _threshold(arguments), [] if found is None else condition_lines(found)
    if arguments.json:
        write_out(_as_json(compared, found or ()))
    else:
        print_differences(Screen(), compared, threshold, lines)
    publish_on_github(
        differences_summary(compared, threshold, lines), differences_annotations(compared)
    )
    return comparison_exit_code(compared, arguments.required)


def _read(folder: Path, named: Sequence[str]) -> tuple[Summary, Circumstances]:
    """Return what is stored in ``folder``, the summary with all percentiles that are ``named``."""
    try:
        summary = read_summary(folder)
        found = circumstances_of(summary, folder)
        return with_percentiles(summary, folder, named), found
    except OSError as exc:
        reason = f"cannot be read: {(exc.strerror or str(exc)).lower()}"
        raise RestoreError(f"{exc.filename} {reason}; give a folder under results/") from exc


def _as_json(compared: Sequence[Difference], found: Sequence[Condition]) -> str:
    """Return the comparison as JSON; an infinite value is null, because JSON has no infinity."""
    rows = [
        {
            name: None if isinstance(value, float) and math.isinf(value) else value
            for name, value in asdict(each).items()
        }
        for each in compared
    ]
    whole = {"differences": rows, "conditions": [asdict(each) for each in found]}
    return to_json(whole, indent=2) + "\n"


def comparison_exit_code(compared: Sequence[Difference], required: Sequence[str] = ()) -> int:
    """Return the exit code for the differences; those of ``required`` measures must be decided."""
    changes = {each.change for each in compared}
    if Change.REGRESSION in changes:
        return FAILS
    needed = set(map(full_name, required))
    undecided = {each.measure for each in compared if each.change is Change.UNKNOWN}
    return INVALID if changes <= {Change.UNKNOWN} or needed & undecided else HOLDS
