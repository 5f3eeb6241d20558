"""Analyse stored results again, run nothing."""

import argparse
from pathlib import Path

from orchestrator import interrupts
from orchestrator.archive import Archive
from orchestrator.commands.asking import add_json
from orchestrator.commands.telling import conclude, say
from orchestrator.restore import RestoreError, restore
from orchestrator.verdict import MISUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a campaign's folder."""
    parser.add_argument("results", metavar="RESULTS", type=Path, help="a folder under results/")
    add_json(parser, "summary.json")


def execute(asked: argparse.Namespace) -> int:
    """Analyse, store and show the results in the folder."""
    archive = Archive(asked.results)
    try:
        findings = restore(archive)
    except RestoreError as exc:
        say(f"orchestrate.py: {exc}")
        return MISUSED
    with interrupts.held():
        return conclude(findings, archive, as_json=asked.json)
