"""Remove what runs left that were killed: containers, networks, processes."""

import argparse
import sys
from collections.abc import Iterable

from orchestrator.commands.telling import say
from orchestrator.engine import Engine, engine_failures, find_engine
from orchestrator.interrupts import held
from orchestrator.leftovers import Leftover, end_process, find_processes, find_projects
from orchestrator.verdict import HOLDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take whether to look only, and at which campaign."""
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed")
    parser.add_argument(
        "--campaign",
        metavar="ID",
        help="of this campaign alone, the last word of its results folder: also what was kept for "
        "a look, or comes from another host; never what is in use",
    )


def execute(asked: argparse.Namespace) -> int:
    """Remove it and say so, line by line; what is in use stays."""
    removed = _clean(asked, find_processes(), None)
    engine, found = find_engine()
    if engine is None:
        say(f"no look at containers: {found}")
    else:
        with held(), engine_failures():
            removed += _clean(asked, find_projects(engine), engine)
    if not removed:
        where = "" if engine else " among processes"
        sys.stdout.write(f"nothing to remove{where}\n")
    return HOLDS


def _clean(asked: argparse.Namespace, found: Iterable[Leftover], engine: Engine | None) -> int:
    """Remove what was ``found`` and may be; return how many."""
    removed = 0
    for leftover in found:
        if asked.campaign not in (None, leftover.campaign_id):
            continue
        name = f"{leftover.what} of campaign {leftover.campaign_id}"
        if reason := leftover.reason_to_stay(asked.campaign):
            say(f"left alone: {name}: {reason}")
            continue
        if not asked.dry_run:
            _remove(leftover, engine)
        removed += 1
        sys.stdout.write(f"{'would remove' if asked.dry_run else 'removed'}: {name}\n")
    return removed


def _remove(leftover: Leftover, engine: Engine | None) -> None:
    if engine is not None and leftover.project is not None:
        engine.remove(leftover.project)
    end_process(leftover)
