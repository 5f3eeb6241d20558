"""``orchestrate.py``: from a command line to an exit code; the one place that talks to a person."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from orchestrator import interrupts
from orchestrator.archive import Archive, ArchiveError
from orchestrator.arguments import parse_arguments
from orchestrator.backends.base import Backend, BackendError
from orchestrator.backends.choose import choose_backend
from orchestrator.campaign import Campaign, Setting, new_campaign_id
from orchestrator.findings import Findings
from orchestrator.models import discover_models
from orchestrator.plan import plan
from orchestrator.progress import follow
from orchestrator.publish import publish
from orchestrator.report.table import print_table
from orchestrator.restore import RestoreError, restore
from orchestrator.scenario import ScenarioError, load_scenario
from orchestrator.verdict import BROKEN, HOLDS, INTERRUPTED, MISUSED

MAX_NAME_CHARS = 60


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Do what was asked and return the exit code of README.md. Never a traceback for misuse."""
    interrupts.install()
    try:
        asked = parse_arguments(arguments)
        commands = {"run": _run, "validate": _validate, "report": _report}
        return commands[asked.command](asked)
    except ScenarioError as exc:
        return _say(str(exc), MISUSED)
    except (BackendError, ArchiveError) as exc:
        return _say(f"orchestrate.py: {exc}", BROKEN)
    except KeyboardInterrupt:
        return _say(f"orchestrate.py: interrupted by {interrupts.signal_name()}", INTERRUPTED)


def _run(asked: argparse.Namespace) -> int:
    messages = Console(stderr=True)
    scenario = load_scenario(asked.scenario, discover_models(), dict(asked.settings))
    campaign_id = new_campaign_id()
    backend, reason = choose_backend(asked.backend, campaign_id, keep=asked.keep)
    messages.print(f"backend: {backend.name} ({reason})", markup=False, soft_wrap=True)
    with interrupts.held():
        name = _name_of(asked.scenario)
        archive = Archive.create(asked.out, name, campaign_id)
        setting = Setting(name, scenario, backend, reason, archive)
        progress = follow(messages)
        with progress.shown():
            findings = Campaign(setting, progress).run()
        _show_kept(backend, messages)
        return _conclude(findings, archive)


def _name_of(scenario: Path) -> str:
    """Return the file's name without its ending, as part of a path that works everywhere."""
    return (
        re.sub(r"[^A-Za-z0-9._-]", "-", scenario.stem)[:MAX_NAME_CHARS].lstrip(".-") or "scenario"
    )


class Screen(Console):
    """Standard output; where nobody reads to the end, as behind ``| head``, the verdict stands."""

    def on_broken_pipe(self) -> None:
        """Say nothing from now on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _conclude(findings: Findings, archive: Archive) -> int:
    """Store what was found and show it, even where it cannot be stored."""
    screen = Screen()
    try:
        publish(findings, archive)
    finally:
        print_table(screen, findings.summary)
    screen.print(f"results: {archive.path}", markup=False, highlight=False, soft_wrap=True)
    return findings.summary.exit_code


def _show_kept(backend: Backend, messages: Console) -> None:
    for project in backend.kept:
        messages.print(f"kept; to remove: docker compose -p {project} down", soft_wrap=True)


def _validate(asked: argparse.Namespace) -> int:
    models = discover_models()
    failed = False
    for path in asked.scenarios:
        try:
            cases = plan(load_scenario(path, models, dict(asked.settings)))
        except ScenarioError as exc:
            failed = True
            _say(str(exc), MISUSED)
        else:
            sys.stdout.write(f"{path}: valid, {len(cases)} cases\n")
            sys.stdout.writelines(f"  {case.name}\n" for case in cases)
    return MISUSED if failed else HOLDS


def _report(asked: argparse.Namespace) -> int:
    archive = Archive(asked.results)
    try:
        findings = restore(archive)
    except RestoreError as exc:
        return _say(f"orchestrate.py: {exc}", MISUSED)
    with interrupts.held():
        return _conclude(findings, archive)


def _say(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code
