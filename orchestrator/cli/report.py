"""``report``: analyse stored results again; several runs are shown side by side on one page.

The page of a capacity search is drawn again from its result.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from orchestrator.campaign.restore import restore
from orchestrator.campaign.summarise import Findings
from orchestrator.capacity.stored import is_capacity, read_capacity
from orchestrator.cli.findings import show, show_capacity
from orchestrator.cli.options import add_json
from orchestrator.cli.output import say
from orchestrator.execution import interrupts
from orchestrator.report.publish import page_of, publish, publish_capacity, publish_together
from orchestrator.results.archive import Archive, StoredArchive
from orchestrator.results.exit_codes import HOLDS, MisuseError

SIDE_BY_SIDE = Path("side-by-side.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the results folders of one or more campaigns."""
    parser.add_argument(
        "results", metavar="RUN", type=Path, nargs="+", help="a folder under results/"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help=f"the file for the page (default: {SIDE_BY_SIDE} for several runs; report.html in "
        "the folder of one run)",
    )
    add_json(parser, "summary.json")


def execute(arguments: argparse.Namespace) -> int:
    """Analyse the results in the folders, store the analysis and show it.

    A folder that is read-only is analysed and shown as well.
    """
    archives = [StoredArchive(folder) for folder in arguments.results]
    if arguments.json and archives[1:]:
        raise MisuseError("--json is for one run: there is a summary.json for each")
    if arguments.out is not None and not arguments.out.name:
        raise MisuseError(f"--out {arguments.out} names a folder; name the file of the page")
    if any(is_capacity(archive.path) for archive in archives):
        return _show_capacity(archives, arguments)
    restored = [restore(archive) for archive in archives]
    with interrupts.held():
        if archives[1:]:
            return _show_side_by_side(restored, arguments.out or SIDE_BY_SIDE)
        return _show_one(restored[0], archives[0], arguments)


def _show_one(findings: Findings, archive: StoredArchive, arguments: argparse.Namespace) -> int:
    """Store the analysis of one run and show it; return the exit code of its verdict."""
    out = arguments.out
    try:
        publish(findings, archive)
        if archive.is_read_only and out is None:
            say(f"{archive.path} is read-only: the analysis is not stored; --out FILE writes it")
        if out is not None:
            say(f"page: {publish_together([findings], out)}")
    finally:
        show(findings.summary, archive.path, as_json=arguments.json)
    return findings.summary.exit_code


def _show_capacity(archives: Sequence[StoredArchive], arguments: argparse.Namespace) -> int:
    """Draw the page of a capacity search again, from its result; return its exit code."""
    if archives[1:]:
        raise MisuseError("a capacity search has no page side by side; compare A B compares two")
    archive, out = archives[0], arguments.out
    capacity = read_capacity(archive.path)
    try:
        publish_capacity(capacity, archive)
        if archive.is_read_only and out is None:
            say(f"{archive.path} is read-only: the page is not stored; --out FILE writes it")
        if out is not None:
            say(f"page: {Archive(out.parent).write(out.name, page_of(capacity, archive.path))}")
    finally:
        show_capacity(capacity, archive.path, as_json=arguments.json)
    return capacity.exit_code


def _show_side_by_side(restored: Sequence[Findings], out: Path) -> int:
    """Write one page of all; return the first exit code that reports a failure."""
    say(f"side by side: {publish_together(restored, out)}")
    return next((each.summary.exit_code for each in restored if each.summary.exit_code), HOLDS)
