"""``clean``: remove the processes, containers and networks that killed runs left, and images.

Each of them carries its owner; it is removed if the owner no longer runs and belongs to this
checkout of the repository, or to any with ``--all``. Processes are ended first, because a Compose
command among them might still create containers. Images are no leftovers, since the next run uses
them: they are removed on request only.
"""

import argparse
import contextlib
import os
import re
import select
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.cli.options import add_hosts
from orchestrator.cli.output import print_out, say
from orchestrator.execution.docker.engine import Engine, engine_failures, find_engine
from orchestrator.execution.docker.images import lab_images, remove_tags
from orchestrator.execution.interrupts import held
from orchestrator.execution.owner import LABEL, Owner, State, owner_of
from orchestrator.execution.swarm.connection import connected_to_all
from orchestrator.execution.swarm.facts import read_facts
from orchestrator.execution.swarm.fleet import Fleet
from orchestrator.results.exit_codes import HOLDS
from orchestrator.scenario.hosts import load_hosts

END_DEADLINE_S = 10.0
_PROJECT = re.compile(r"lab-([0-9a-f]{8})-[0-9]+")


@dataclass(frozen=True)
class Leftover:
    """A process, or the containers and networks of a Compose project.

    ``owner`` is None for a project that has a name of the lab but no label with an owner.
    """

    campaign_id: str
    owner: Owner | None
    what: str
    pid: int | None = None
    project: str | None = None

    def reason_to_stay(self, named_campaign: str | None, *, of_all: bool = False) -> str:
        """Return why it must not be removed, empty if it may be.

        ``named_campaign`` is the campaign that the user named: its leftovers are removed even if
        they were kept with ``--keep`` or their owner is not visible from this host. ``of_all``:
        also if they belong to another checkout.
        """
        state = self.owner.state() if self.owner else State.OUT_OF_SIGHT
        if self.owner and state is State.RUNS:
            return f"in use by process {self.owner.pid}"
        if self.owner and not (of_all or self.owner.is_of_this_checkout):
            whose = self.owner.checkout or "unknown: an older version started it"
            return f"it belongs to another checkout ({whose}); remove it with --all"
        if self.campaign_id == named_campaign:
            return ""
        by_name = f"remove it with --campaign {self.campaign_id}"
        if state is State.OUT_OF_SIGHT:
            return f"cannot tell from this host whether it is in use; if it is not, {by_name}"
        return f"kept for inspection; {by_name}" if self.owner and self.owner.kept else ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--dry-run``, ``--campaign``, ``--hosts``, ``--images`` and ``--all``."""
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be removed, remove nothing"
    )
    parser.add_argument(
        "--campaign",
        metavar="ID",
        help="remove only leftovers of this campaign (the last part of the name of its results "
        "folder), even if they were kept or started on another host, but not if they are in use",
    )
    add_hosts(parser, "also remove leftovers on the hosts of this hosts file")
    parser.add_argument(
        "--images",
        action="store_true",
        help="also remove the images that the lab built, of every checkout, unless a run uses them",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="also remove leftovers of other checkouts on this machine; each is printed with its "
        "checkout if it is not removed",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Remove leftovers and print each; those in use are not removed."""
    removed = _clean(arguments, find_processes(), None)
    engine, reason = find_engine()
    if engine is None:
        say(f"containers were not checked: {reason}")
    else:
        with held(), engine_failures():
            removed += _clean(arguments, find_projects(engine), engine)
            if arguments.images:
                removed += _clean_images(engine, engine, is_dry=arguments.dry_run)
    if arguments.hosts is not None:
        removed += _clean_hosts(arguments)
    if not removed:
        what = "nothing" if engine else "no processes"
        print_out(f"{what} to remove")
    return HOLDS


def _clean_hosts(arguments: argparse.Namespace) -> int:
    """Remove what campaigns have left on the hosts that answer; return the number."""
    with connected_to_all(load_hosts(arguments.hosts)) as (engines, silent):
        for problem in silent:
            say(f"not checked: {problem}")
        with held(), engine_failures():
            fleet = Fleet.of(engines, [read_facts(engine) for engine in engines])
            removed = _clean(arguments, find_projects(fleet), fleet)
            for name, engine in fleet.engines.items() if arguments.images else ():
                dry, where = arguments.dry_run, f" on {name}"
                removed += _clean_images(engine, fleet, is_dry=dry, where=where)
        return removed


def _clean(
    arguments: argparse.Namespace, leftovers: Iterable[Leftover], engine: Engine | None
) -> int:
    """Remove ``leftovers`` that may be removed; return their number."""
    removed = 0
    for leftover in leftovers:
        if arguments.campaign not in (None, leftover.campaign_id):
            continue
        name = f"{leftover.what} of campaign {leftover.campaign_id}"
        if reason := leftover.reason_to_stay(arguments.campaign, of_all=arguments.all):
            say(f"not removed: {name}: {reason}")
            continue
        if not arguments.dry_run:
            _remove(leftover, engine)
        removed += 1
        print_out(f"{'would remove' if arguments.dry_run else 'removed'}: {name}")
    return removed


def _clean_images(engine: Engine, users: Engine, *, is_dry: bool, where: str = "") -> int:
    """Remove the lab's images from ``engine`` unless a run on ``users`` needs them.

    Return their number; ``where`` is printed after each.
    """
    owners = [left.owner for left in find_projects(users)]
    pids = sorted({owner.pid for owner in owners if owner and owner.state() is State.RUNS})
    if pids:
        say(f"not removed: images{where}: in use by process {', '.join(map(str, pids))}")
        return 0
    removed = 0
    for image in lab_images(engine):
        name = f"image {' '.join(image.tags) or image.short_id}{where}"
        if not is_dry and not remove_tags(engine, image):
            say(f"not removed: {name}: a container uses it")
            continue
        removed += 1
        print_out(f"{'would remove' if is_dry else 'removed'}: {name}")
    return removed


def _remove(leftover: Leftover, engine: Engine | None) -> None:
    if engine is not None and leftover.project is not None:
        engine.remove(leftover.project)
    end_process(leftover)


def find_processes() -> Iterator[Leftover]:
    """Yield the visible processes that other orchestrators started."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has ended or is not readable
            owner = owner_of(entry) if entry.name.isdecimal() else None
            if owner and int(entry.name) != os.getpid():
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                command = words.decode(errors="backslashreplace").strip()
                what = f"process {entry.name} ({command[:80] or 'ended'})"
                yield Leftover(owner.campaign_id, owner, what, pid=int(entry.name))


def end_process(leftover: Leftover) -> None:
    """Kill the process if it is still the one that was found, and wait until it has ended."""
    if leftover.pid is None:
        return
    with contextlib.suppress(OSError):  # it has ended
        descriptor = os.pidfd_open(leftover.pid)
        try:
            if owner_of(Path(f"/proc/{leftover.pid}")) == leftover.owner:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                select.select([descriptor], [], [], END_DEADLINE_S)
        finally:
            os.close(descriptor)


def find_projects(engine: Engine) -> Iterator[Leftover]:
    """Yield the Compose projects of campaigns on ``engine``."""
    for project, parts in engine.projects().items():
        owners = [Owner.parse(labels.get(LABEL, "")) for labels, _ in parts]
        owner = next((each for each in owners if each), None)
        named = _PROJECT.fullmatch(project)
        if named is None or (owner and owner.campaign_id != named[1]):
            continue
        what = f"project {project} ({_counts([kind for _, kind in parts])})"
        yield Leftover(named[1], owner, what, project=project)


def _counts(kinds: list[str]) -> str:
    counts = {kind: kinds.count(kind) for kind in kinds}
    return ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items())
