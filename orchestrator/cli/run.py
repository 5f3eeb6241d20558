"""Run a scenario (the word itself may be left out).

Which backend a campaign gets, and why.
"""

import argparse
import re
import shlex
from pathlib import Path

from rich.console import Console

from orchestrator.campaign.campaign import Campaign, Setting, new_campaign_id
from orchestrator.campaign.progress import follow
from orchestrator.cli.findings import conclude
from orchestrator.cli.options import add_json, add_scenario, asked_scenario
from orchestrator.execution import interrupts
from orchestrator.execution.backend import Backend, BackendError
from orchestrator.execution.docker.backend import DockerBackend
from orchestrator.execution.docker.engine import find_engine
from orchestrator.execution.owner import claim
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.results.archive import Archive
from orchestrator.scenario.scenario import Scenario

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
        command = _command(asked, backend.name)
        setting = Setting(name, scenario, backend, reason, archive, asked.accept_invalid, command)
        progress = follow(messages)
        with progress.shown():
            findings = Campaign(setting, progress).run()
        _show_kept(backend, messages)
        return conclude(findings, archive, as_json=asked.json)


def _command(asked: argparse.Namespace, backend: str) -> str:
    """Return what runs the same again, typed into a shell in the same folder."""
    settings = [word for name, value in asked.settings for word in ("--set", f"{name}={value}")]
    accept = ["--accept-invalid"] if asked.accept_invalid else []
    words = ["run", str(asked.scenario), *settings, "--backend", backend, *accept]
    return shlex.join([".venv/bin/python", "orchestrate.py", *words])


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


def choose_backend(asked: str, campaign_id: str, *, keep: bool) -> tuple[Backend, str]:
    """Return the backend for ``auto``, ``docker`` or ``process``, and the reason to show.

    Raises:
        BackendError: Docker is asked for, or kept containers are, and no engine answers.
    """
    if asked == "process":
        if keep:
            raise BackendError("--keep leaves containers up, and --backend process has none")
        return ProcessBackend(), "asked for"
    engine, found = find_engine()
    if engine is not None:
        return DockerBackend(engine, campaign_id, keep=keep), found
    if asked == "docker" or keep:
        raise BackendError(
            f"{found}; start one (as root: make engine base-image), "
            "or leave containers out with --backend process"
        )
    return ProcessBackend(), f"{found}; plain local processes instead of containers"
