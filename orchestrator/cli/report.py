"""``report``: analyse stored results again; several runs are shown side by side on one page."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from orchestrator.campaign.restore import restore
from orchestrator.campaign.summarise import Findings
from orchestrator.cli.findings import store_and_show
from orchestrator.cli.options import add_json
from orchestrator.cli.output import say
from orchestrator.execution import interrupts
from orchestrator.report.publish import publish_together
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import HOLDS, MisuseError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the results folders of one or more campaigns."""
    parser.add_argument(
        "results", metavar="RUN", type=Path, nargs="+", help="a folder under results/"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("side-by-side.html"),
        help="the file for the page of several runs (default: side-by-side.html)",
    )
    add_json(parser, "summary.json")


def execute(arguments: argparse.Namespace) -> int:
    """Analyse the results in the folders, store the analysis and show it."""
    archives = [Archive(folder) for folder in arguments.results]
    if arguments.json and archives[1:]:
        raise MisuseError("--json is for one run: there is a summary.json for each")
    restored = [restore(archive) for archive in archives]
    with interrupts.held():
        if len(restored) == 1:
            return store_and_show(restored[0], archives[0], as_json=arguments.json)
        return _show_side_by_side(restored, arguments.out)


def _show_side_by_side(restored: Sequence[Findings], out: Path) -> int:
    """Write one page of all; return the first exit code that reports a failure."""
    say(f"side by side: {publish_together(restored, out)}")
    return next((each.summary.exit_code for each in restored if each.summary.exit_code), HOLDS)
