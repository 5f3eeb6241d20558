"""Run a scenario (the word itself may be left out)."""

import argparse
import re
from pathlib import Path

from rich.console import Console

from orchestrator import interrupts
from orchestrator.archive import Archive
from orchestrator.backends.base import Backend
from orchestrator.backends.choose import choose_backend
from orchestrator.campaign import Campaign, Setting, new_campaign_id
from orchestrator.commands.asking import add_json, add_scenario, asked_scenario
from orchestrator.commands.telling import conclude
from orchestrator.owner import claim
from orchestrator.progress import follow
from orchestrator.scenario import Scenario

MAX_NAME_CHARS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be told of a run."""
    add_scenario(parser)
    parser.add_argument(
        "--backend",
        choices=("auto", "docker", "process"),
        default="auto",
        help="containers, plain local processes, or (auto) containers where an engine answers",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("results"),
        help="where the folder with the results is made (default: results)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave the containers up for a look, and say how to remove them (docker only)",
    )
    parser.add_argument(
        "--accept-invalid",
        action="store_true",
        help="let expectations count where a run is invalid as a measurement; results say so",
    )
    add_json(parser, "summary.json")


def execute(asked: argparse.Namespace) -> int:
    """Run every case, store and show what was found."""
    messages = Console(stderr=True)
    scenario = asked_scenario(asked)
    campaign_id = new_campaign_id()
    claim(campaign_id, kept=asked.keep)
    backend, reason = _backend_for(scenario, asked, campaign_id)
    messages.print(f"backend: {backend.name} ({reason})", markup=False, soft_wrap=True)
    with interrupts.held():
        name = _name_of(asked.scenario)
        archive = Archive.create(asked.out, name, campaign_id)
        setting = Setting(name, scenario, backend, reason, archive, asked.accept_invalid)
        progress = follow(messages)
        with progress.shown():
            findings = Campaign(setting, progress).run()
        _show_kept(backend, messages)
        return conclude(findings, archive, as_json=asked.json)


def _backend_for(
    scenario: Scenario, asked: argparse.Namespace, campaign_id: str
) -> tuple[Backend, str]:
    """Return the backend, and why that one; a command and an address are at home on one alone."""
    target = scenario.target
    if asked.backend == "auto" and target is not None and target.image is None:
        backend, _ = choose_backend("process", campaign_id, keep=asked.keep)
        return backend, f"{target.name} is no image"
    return choose_backend(asked.backend, campaign_id, keep=asked.keep)


def _name_of(scenario: Path) -> str:
    """Return the file's name without its ending, as part of a path that works everywhere."""
    return (
        re.sub(r"[^A-Za-z0-9._-]", "-", scenario.stem)[:MAX_NAME_CHARS].lstrip(".-") or "scenario"
    )


def _show_kept(backend: Backend, messages: Console) -> None:
    for project in backend.kept:
        messages.print(f"kept; to remove: docker compose -p {project} down", soft_wrap=True)
