"""``compare`` of two capacity searches; exit code 1 if a case bears less with certainty."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from orchestrator.campaign.comparison import unmatched
from orchestrator.campaign.conditions import Condition, conditions, obstacles
from orchestrator.capacity.comparison import (
    CapacityDifference,
    capacity_comparison_exit_code,
    capacity_conditions,
    capacity_differences,
    withheld,
)
from orchestrator.capacity.stored import circumstances_of, is_capacity, read_capacity
from orchestrator.cli.findings import publish_on_github
from orchestrator.cli.output import say, write_out
from orchestrator.cli.screen import Screen
from orchestrator.measures.hints import listed
from orchestrator.report.capacity.comparison import (
    capacity_differences_annotations,
    capacity_differences_summary,
    print_capacity_differences,
)
from orchestrator.report.comparison import condition_lines, why_withheld
from orchestrator.results.exit_codes import MisuseError
from orchestrator.results.strict_json import to_json

OF_RUNS = {
    "measures": "--measure",
    "required": "--require",
    "threshold": "--threshold",
    "accept_invalid": "--accept-invalid",
}
"""Options that say nothing about capacities."""


def compares_capacities(arguments: argparse.Namespace) -> bool:
    """Return whether both folders hold the result of a capacity search.

    Raises:
        MisuseError: only one of them does.
    """
    first, second = map(is_capacity, (arguments.first, arguments.second))
    if first != second:
        pair = arguments.first, arguments.second
        search, other = pair if first else reversed(pair)
        raise MisuseError(
            f"{search} holds a capacity search and {other} does not; "
            "compare two searches, or two runs"
        )
    return first


def compare_capacities(arguments: argparse.Namespace) -> int:
    """Show how the second search differs from the first; return the exit code.

    Raises:
        MisuseError: they have no case in common, search different loads, or an option is one of
            runs only.
    """
    if given := [option for name, option in OF_RUNS.items() if getattr(arguments, name)]:
        raise MisuseError(f"{listed(given)}: only for two runs, not for two capacity searches")
    folders = arguments.first, arguments.second
    before, after = map(read_capacity, folders)
    if before.kind is not after.kind:
        raise MisuseError(
            f"{arguments.first} searches the {before.kind} and {arguments.second} the {after.kind}"
        )
    rows = capacity_differences(before, after)
    if not rows:
        raise MisuseError(f"{arguments.first} and {arguments.second} have no case in common")
    if alone := unmatched(before, after):
        say(f"not compared, because only one of the searches has it: {listed(alone)}")
    found = conditions(circumstances_of(before, folders[0]), circumstances_of(after, folders[1]))
    found = capacity_conditions(before, after, found)
    if in_the_way := obstacles(found, arguments.accepted):
        rows = withheld(rows, why_withheld(in_the_way))
    return _show(rows, found, as_json=arguments.json)


def _show(rows: Sequence[CapacityDifference], found: Sequence[Condition], *, as_json: bool) -> int:
    lines = condition_lines(found)
    if as_json:
        write_out(_as_json(rows, found))
    else:
        print_capacity_differences(Screen(), rows, lines)
    publish_on_github(
        capacity_differences_summary(rows, lines), capacity_differences_annotations(rows)
    )
    return capacity_comparison_exit_code(rows)


def _as_json(rows: Sequence[CapacityDifference], found: Sequence[Condition]) -> str:
    whole = {
        "differences": [
            {
                "case": row.case,
                "before": [row.before.lower, row.before.upper],
                "after": [row.after.lower, row.after.upper],
                "ratio": [row.low, row.high],
                "verdict": row.standing,
                "reason": row.reason,
            }
            for row in rows
        ],
        "conditions": [asdict(each) for each in found],
    }
    return to_json(whole, indent=2) + "\n"
