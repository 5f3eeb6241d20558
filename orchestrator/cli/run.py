"""``run``: run a scenario on a backend; chooses the backend and reports why."""

import argparse
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from orchestrator.campaign.campaign import Campaign, CampaignSettings, new_campaign_id
from orchestrator.campaign.progress import follow
from orchestrator.campaign.summarise import Findings
from orchestrator.cli.findings import store_and_show
from orchestrator.cli.options import (
    add_accept_invalid,
    add_json,
    add_place,
    add_scenario,
    read_scenario,
)
from orchestrator.cli.screen import Screen, progress_screen
from orchestrator.execution import interrupts
from orchestrator.execution.backend import Backend, BackendError
from orchestrator.execution.docker.backend import DockerBackend
from orchestrator.execution.docker.engine import find_engine, remedy
from orchestrator.execution.owner import claim
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.results.archive import Archive
from orchestrator.results.defect import traced
from orchestrator.scenario.scenario import Scenario

MAX_NAME_CHARS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a scenario, the backend and the options of the results."""
    add_scenario(parser)
    add_place(parser)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the containers running for inspection; print how to remove them (docker only)",
    )
    add_accept_invalid(parser, "judge expectations even if the host was disturbed")
    add_json(parser, "summary.json")


def execute(arguments: argparse.Namespace) -> int:
    """Run every case, store the findings and show them."""

    def finish(findings: Findings, archive: Archive) -> int:
        return store_and_show(findings, archive, as_json=arguments.json)

    return perform(arguments, read_scenario(arguments), finish)


def perform(
    arguments: argparse.Namespace,
    scenario: Scenario,
    finish: Callable[[Findings, Archive], int],
    repeats_per_draw: int = 1,
) -> int:
    """Run every case of ``scenario``; return what ``finish`` makes of the findings."""
    messages = progress_screen()
    campaign_id = new_campaign_id()
    claim(campaign_id, kept=arguments.keep)
    backend, reason = backend_for(scenario, arguments, campaign_id)
    messages.print(f"backend: {backend.name} ({reason})", markup=False, soft_wrap=True)
    with interrupts.held():
        name = name_of(arguments.scenario)
        archive = Archive.create(arguments.out, name, campaign_id)
        accept, command = arguments.accept_invalid, _command(arguments, backend.name)
        settings = CampaignSettings(
            name, scenario, backend, reason, archive, accept, command, repeats_per_draw
        )
        with traced(archive.path):
            progress = follow(messages)
            with progress.shown():
                findings = Campaign(settings, progress).run()
            _show_kept(backend, messages)
            show_left(backend, messages, campaign_id)
            return finish(findings, archive)


def _command(arguments: argparse.Namespace, backend: str) -> str:
    """Return the shell command that runs the same campaign again from the same folder."""
    settings = [word for pair in arguments.settings for word in ("--set", "=".join(pair))]
    accept = ["--accept-invalid"] if arguments.accept_invalid else []
    verb = ["compare", "--calibrate"] if arguments.command == "compare" else ["run"]
    words = [*verb, str(arguments.scenario), *settings, "--backend", backend, *accept]
    return shlex.join([".venv/bin/python", "orchestrate.py", *words])


def backend_for(
    scenario: Scenario, arguments: argparse.Namespace, campaign_id: str
) -> tuple[Backend, str]:
    """Return the backend and the reason for it; a target without an image needs ``process``."""
    target, choice, keep = scenario.target, arguments.backend, arguments.keep
    if choice == "auto" and target is not None and target.image is None:
        backend, _ = choose_backend("process", campaign_id, keep=keep)
        return backend, f"{target.name} is no image"
    return choose_backend(choice, campaign_id, keep=keep)


def choose_backend(choice: str, campaign_id: str, *, keep: bool) -> tuple[Backend, str]:
    """Return the backend for ``auto``, ``docker`` or ``process``, and the reason for it.

    Raises:
        BackendError: no engine answers, but containers are requested, or are to be kept, or the
            environment or a docker context chooses the engine.
    """
    if choice == "process":
        if keep:
            raise BackendError("--keep keeps containers running, and --backend process has none")
        return ProcessBackend(), "as requested"
    engine, reason = find_engine()
    if engine is not None:
        return DockerBackend(engine, campaign_id, keep=keep), reason
    if choice == "docker" or keep:
        raise BackendError(
            f"{reason}; {remedy(reason)}, or run without containers: --backend process"
        )
    return ProcessBackend(), f"{reason}; plain local processes instead of containers"


def name_of(scenario: Path) -> str:
    """Return the file's name without its ending, with characters that every file system has."""
    return (
        re.sub(r"[^A-Za-z0-9._-]", "-", scenario.stem)[:MAX_NAME_CHARS].lstrip(".-") or "scenario"
    )


def show_left(backend: Backend, messages: Screen, campaign_id: str) -> None:
    """Print what a silent engine has left, and how to remove it."""
    for project in backend.left:
        messages.print(
            "not removed, since the engine does not answer or refuses: containers and networks of "
            f"the project {project}; when it answers, or has been restarted, run: "
            f".venv/bin/python orchestrate.py clean --campaign {campaign_id}",
            soft_wrap=True,
        )


def _show_kept(backend: Backend, messages: Screen) -> None:
    for project in backend.kept:
        messages.print(f"kept; to remove: docker compose -p {project} down", soft_wrap=True)
