"""Analyse stored results again, run nothing; several runs are laid side by side on one page."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from orchestrator.campaign.restore import RestoreError, restore
from orchestrator.campaign.summarise import Findings
from orchestrator.cli.findings import conclude
from orchestrator.cli.options import add_json
from orchestrator.cli.output import say
from orchestrator.execution import interrupts
from orchestrator.report.publish import publish_together
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import HOLDS, MISUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folders of one or more campaigns."""
    parser.add_argument(
        "results", metavar="RUN", type=Path, nargs="+", help="a folder under results/"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("side-by-side.html"),
        help="where the page of several runs is written (default: side-by-side.html)",
    )
    add_json(parser, "summary.json")


def execute(asked: argparse.Namespace) -> int:
    """Analyse, store and show the results in the folders."""
    archives = [Archive(folder) for folder in asked.results]
    if asked.json and archives[1:]:
        say("orchestrate.py: --json is for one run: there is a summary.json for each")
        return MISUSED
    try:
        found = [restore(archive) for archive in archives]
    except RestoreError as exc:
        say(f"orchestrate.py: {exc}")
        return MISUSED
    with interrupts.held():
        if len(found) == 1:
            return conclude(found[0], archives[0], as_json=asked.json)
        return _side_by_side(found, asked.out)


def _side_by_side(found: Sequence[Findings], out: Path) -> int:
    """Write one page of all; return the first exit code among theirs that tells of a failure."""
    say(f"side by side: {publish_together(found, out)}")
    return next((each.summary.exit_code for each in found if each.summary.exit_code), HOLDS)
