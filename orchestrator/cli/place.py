"""The place of a campaign or a capacity search: the backend, and the folder of the results.

Chooses the backend, and prints why it is that one.
"""

import argparse
import contextlib
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.campaign.campaign import is_started_by_page, new_campaign_id
from orchestrator.campaign.setup import Setup
from orchestrator.cli.options import backend_of
from orchestrator.cli.screen import Screen, progress_screen
from orchestrator.execution import interrupts
from orchestrator.execution.backend import Backend, BackendError
from orchestrator.execution.docker.backend import DockerBackend
from orchestrator.execution.docker.engine import find_engine, remedy
from orchestrator.execution.owner import claim
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.execution.swarm.backend import SwarmBackend
from orchestrator.execution.swarm.fleet import connected_fleet
from orchestrator.execution.swarm.placement import check_places, refuse_places
from orchestrator.execution.swarm.refusals import refuse
from orchestrator.measures.sentences import counted
from orchestrator.results.archive import Archive
from orchestrator.results.defect import traced
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.hosts import HOSTS_FILE, load_hosts
from orchestrator.scenario.scenario import SWARM, Scenario

MAX_NAME_CHARS = 60


@dataclass(frozen=True)
class Place:
    """A scenario on a backend with a folder for the results; ``messages`` is for progress."""

    setup: Setup
    messages: Screen
    campaign_id: str
    clean_options: Sequence[str] = ()

    def show_left(self) -> None:
        """Print what is kept for inspection or left by a silent engine, and how to remove it."""
        for project in self.setup.backend.kept:
            remove = (
                self._clean_command if self.clean_options else f"docker compose -p {project} down"
            )
            self.messages.print(f"{project} is kept; to remove: {remove}", soft_wrap=True)
        for project in self.setup.backend.left:
            self.messages.print(
                "not removed, since the engine does not answer or refuses: containers and networks "
                f"of the project {project}; when it answers, or has been restarted, run: "
                f"{self._clean_command}",
                soft_wrap=True,
            )

    @property
    def _clean_command(self) -> str:
        words = ["clean", "--campaign", self.campaign_id, *self.clean_options]
        return shlex.join([".venv/bin/python", "orchestrate.py", *words])


@contextmanager
def place_of(
    arguments: argparse.Namespace,
    scenario: Scenario,
    verb: Sequence[str],
    options: Sequence[str] = (),
) -> Iterator[Place]:
    """Provide the place that ``arguments`` name, with interrupts held; use it once in a program.

    ``verb`` and ``options`` are the parts of the command line that this command alone has.

    Raises:
        BackendError: the backend cannot be had.
        ArchiveError: the folder cannot be created.
    """
    is_temporary = is_started_by_page()
    messages, campaign_id = progress_screen(), new_campaign_id()
    claim(campaign_id, kept=arguments.keep)
    with contextlib.ExitStack() as engines:
        backend, reason = _backend_for(scenario, arguments, campaign_id, engines)
        messages.print(f"backend: {backend.name} ({reason})", markup=False, soft_wrap=True)
        engines.enter_context(interrupts.held())
        name = name_of(arguments.scenario)
        archive = Archive.create(arguments.out, name, campaign_id)
        if is_temporary:
            arguments.scenario = _from_here(archive.path / "scenario.yaml")
        command = command_line(arguments, backend.name, verb, options)
        with traced(archive.path):
            setup = Setup(name, scenario, backend, reason, archive, command)
            yield Place(setup, messages, campaign_id, hosts_options(arguments, backend.name))


def command_line(
    arguments: argparse.Namespace, backend: str, verb: Sequence[str], options: Sequence[str]
) -> str:
    """Return the shell command that does the same again from the same folder."""
    settings = [word for pair in arguments.settings for word in ("--set", "=".join(pair))]
    place = ["--backend", backend, *hosts_options(arguments, backend)]
    words = [*verb, str(arguments.scenario), *settings, *place, *options]
    return shlex.join([".venv/bin/python", "orchestrate.py", *words])


def _from_here(path: Path) -> Path:
    """Return ``path``, relative to the current folder if it is in that."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def hosts_options(arguments: argparse.Namespace, backend: str) -> list[str]:
    """Return the option that names the hosts file, if several hosts are used."""
    return ["--hosts", str(arguments.hosts or HOSTS_FILE)] if backend == SWARM else []


def _backend_for(
    scenario: Scenario,
    arguments: argparse.Namespace,
    campaign_id: str,
    engines: contextlib.ExitStack,
) -> tuple[Backend, str]:
    """Return the backend and the reason for it; a target without an image needs ``process``.

    The connections to several hosts are closed with ``engines``.
    """
    choice = backend_of(arguments, scenario)
    if choice == SWARM:
        file = arguments.hosts or HOSTS_FILE
        return _swarm_for(scenario, file, campaign_id, engines, keep=arguments.keep)
    if getattr(arguments, "hosts", None) is not None:  # not every command has it
        raise MisuseError("--hosts names the hosts of --backend swarm; add that option")
    target, keep = scenario.target, arguments.keep
    refuse_places(scenario)
    if choice == "auto" and target is not None and target.image is None:
        backend, _ = choose_backend("process", campaign_id, keep=keep)
        return backend, f"{target.name} is no image"
    return choose_backend(choice, campaign_id, keep=keep)


def _swarm_for(
    scenario: Scenario,
    file: Path,
    campaign_id: str,
    engines: contextlib.ExitStack,
    *,
    keep: bool,
) -> tuple[Backend, str]:
    """Return the backend of several hosts.

    Raises:
        BackendError: the scenario asks for what they cannot do, the hosts cannot work together, or
            no engine answers here, where the images are built.
        MisuseError: a group is placed on a host that is not in the file, or runs no clients.
        ScenarioError: the hosts file is invalid.
    """
    hosts = load_hosts(file)
    check_places(scenario, hosts.by_name)
    refuse(scenario)
    builder, reason = find_engine()
    if builder is None:
        raise BackendError(f"{reason}, and the images are built here; {remedy(reason)}")
    fleet = engines.enter_context(connected_fleet(hosts))
    backend = SwarmBackend(fleet, builder, hosts, campaign_id, keep=keep)
    return backend, f"{counted(len(hosts.by_name), 'hosts')} of {file}"


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
