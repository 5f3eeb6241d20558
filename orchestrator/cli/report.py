"""``report``: analyse stored results again; several runs are shown side by side on one page.

The page of a capacity search, or of a reproduction, is drawn again from its result.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from orchestrator.campaign.restore import restore
from orchestrator.campaign.stored_reproduction import is_reproduction, read_reproduction
from orchestrator.capacity.stored import is_capacity, read_capacity
from orchestrator.cli.findings import (
    Result,
    campaign_result,
    capacity_result,
    reproduction_result,
    show,
)
from orchestrator.cli.options import add_json
from orchestrator.cli.output import say
from orchestrator.execution import interrupts
from orchestrator.quiz.solution import QUIZ
from orchestrator.report.publish import publish_together
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
    _refuse_quizzes(arguments.results)
    if arguments.json and archives[1:]:
        raise MisuseError("--json is for one run: there is a summary.json for each")
    if arguments.out is not None and not arguments.out.name:
        raise MisuseError(f"--out {arguments.out} names a folder; name the file of the page")
    if archives[1:]:
        return _show_side_by_side(archives, arguments.out or SIDE_BY_SIDE)
    result = _result_in(archives[0])
    with interrupts.held():
        return _show_one(result, archives[0], arguments)


def _refuse_quizzes(folders: Sequence[Path]) -> None:
    """Refuse the results of a quiz, which are no runs of a scenario.

    Raises:
        MisuseError: one of ``folders`` holds them.
    """
    for folder in folders:
        if (folder / QUIZ).is_file():
            raise MisuseError(
                f"{folder} holds a quiz, which has no report: {folder / QUIZ} has its problems, "
                "their answers and what the machine measured"
            )


def _result_in(archive: StoredArchive) -> Result:
    """Return a search or a reproduction as it is stored, or a campaign, analysed again."""
    if is_reproduction(archive.path):
        return reproduction_result(read_reproduction(archive.path))
    if is_capacity(archive.path):
        return capacity_result(read_capacity(archive.path))
    return campaign_result(restore(archive))


def _show_one(result: Result, archive: StoredArchive, arguments: argparse.Namespace) -> int:
    """Store a result with its page, and show it; return its exit code."""
    out: Path | None = arguments.out
    try:
        result.publish(archive)
        if archive.is_read_only and out is None:
            say(f"{archive.path} is read-only: nothing is stored; --out FILE writes the page")
        if out is not None:
            page = Archive(out.parent).write(out.name, result.page(archive.path))
            say(f"page: {page}")
    finally:
        show(result, archive.path, as_json=arguments.json)
    return result.exit_code


def _show_side_by_side(archives: Sequence[StoredArchive], out: Path) -> int:
    """Write one page of all; return the first exit code that reports a failure."""
    if any(is_reproduction(archive.path) for archive in archives):
        raise MisuseError("a reproduction has no page side by side; name the folders in it instead")
    if any(is_capacity(archive.path) for archive in archives):
        raise MisuseError("a capacity search has no page side by side; compare A B compares two")
    restored = [restore(archive) for archive in archives]
    with interrupts.held():
        say(f"side by side: {publish_together(restored, out)}")
    return next((each.summary.exit_code for each in restored if each.summary.exit_code), HOLDS)
