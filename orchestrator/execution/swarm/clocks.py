"""Which CLOCK_MONOTONIC the containers of each host have, and what that excludes.

The analysis relates the clients' clocks to the server's by the messages between them. Instants of
faults it takes to be of this machine's clock, so those that a container reports need that one.
"""

from collections.abc import Iterable, Mapping, Sequence

from faultproxy.toxics import TOXICS
from labkit.clock import BOOT_ID, OFFSETS, Clock, read_offset_ns
from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import engine_failures
from orchestrator.execution.swarm.connection import HostEngine
from orchestrator.scenario.faults import FILL_BACKLOG, KILL_WORKER

IN_CONTAINERS = (KILL_WORKER, FILL_BACKLOG, *TOXICS)
"""Faults whose instants a program in a container reports, by its own clock."""

READ = f"from pathlib import Path\nprint(Path({str(BOOT_ID)!r}).read_text().strip())\n"
READ += f"path = Path({str(OFFSETS)!r})\nprint(path.read_text() if path.exists() else '')"


def clocks_of(
    hosts: Sequence[HostEngine], image: str, labels: Mapping[str, str]
) -> dict[str, Clock | None]:
    """Return the clock that a container of ``image`` has on each host, None if it is unknown.

    ``labels`` are those of the containers, each of which is removed at once.
    """
    return {host.name: _clock_of(host, image, labels) for host in hosts}


def _clock_of(host: HostEngine, image: str, labels: Mapping[str, str]) -> Clock | None:
    with engine_failures():
        printed = host.client.containers.run(
            image,
            ["-I", "-S", "-c", READ],
            entrypoint="python3",
            network_mode="none",
            remove=True,
            labels=dict(labels),
        )
    return read_clock_text(bytes(printed).decode("ascii", errors="replace"))


def read_clock_text(printed: str) -> Clock | None:
    """Return the clock in what `READ` prints, None if there is none."""
    boot_id, _, offsets = printed.partition("\n")
    if not boot_id:
        return None
    try:
        return Clock(boot_id, read_offset_ns(offsets) if offsets.strip() else 0)
    except ValueError:
        return None


def check_faults(
    faults: Iterable[str], clocks: Mapping[str, Clock | None], ours: Clock | None
) -> None:
    """Check that the instants of ``faults`` can be known, if ``ours`` is this machine's clock.

    Raises:
        BackendError: they cannot.
    """
    wrong = [fault for fault in dict.fromkeys(faults) if fault in IN_CONTAINERS]
    others = [name for name, clock in clocks.items() if clock is None or clock != ours]
    if wrong and others:
        raise BackendError(
            f"{', '.join(wrong)}: its instants are known only if containers of all hosts have this "
            f"machine's clock, and those of {', '.join(others)} have another one (another kernel, "
            "or a time namespace); leave the fault out, or run on one engine: --backend docker"
        )


def is_this_machine(clocks: Mapping[str, Clock | None], ours: Clock | None) -> bool:
    """Whether all hosts run on this machine's kernel, so that they use its CPUs."""
    return ours is not None and all(
        clock is not None and clock.boot_id == ours.boot_id for clock in clocks.values()
    )
