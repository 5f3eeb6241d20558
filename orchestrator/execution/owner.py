"""Whose a container or a process is: the campaign, and the orchestrator that runs it.

Written once into our own environment, from where every program that we start has it, and Compose
every container and network as a label. So what a killed orchestrator left can be told from what is
still in use, and from what was never ours. Reads ``/proc`` only.
"""

import os
import platform
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

MARK = "SERVER_MODELS_LAB_OWNER"
"""The environment variable; `compose.yaml` makes a label of it."""

LABEL = "lab.owner"
_KEPT = "kept"
_FIELDS = 5
_STATE, _STARTED = 0, 19
"""Fields of ``/proc/<pid>/stat``, counted from behind the name."""


class State(Enum):
    """What became of an orchestrator."""

    RUNS = auto()
    GONE = auto()
    OUT_OF_SIGHT = auto()  # on another host or in another container, or before a restart


@dataclass(frozen=True)
class Owner:
    """An orchestrator: its process, known by its start as well, since numbers come again.

    ``started`` is in the kernel's clock ticks since boot; ``host`` stands for all who see the same
    process numbers. ``kept`` is whether containers are to outlive it, for a look.
    """

    campaign_id: str
    pid: int
    started: int
    host: str
    kept: bool

    def __str__(self) -> str:
        fields = (self.campaign_id, self.pid, self.started, self.host, _KEPT if self.kept else "")
        return ":".join(map(str, fields))

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        """Return the owner that ``text`` names, None where it names none."""
        fields = text.split(":")
        if len(fields) != _FIELDS or not (fields[1].isdecimal() and fields[2].isdecimal()):
            return None
        campaign_id, pid, started, host, kept = fields
        return cls(campaign_id, int(pid), int(started), host, kept == _KEPT)

    def state(self) -> State:
        """Return what became of it, as far as can be seen from here."""
        if self.host != _host():
            return State.OUT_OF_SIGHT
        return State.RUNS if _started(self.pid) == self.started else State.GONE


def claim(campaign_id: str, *, kept: bool) -> Owner:
    """Mark whatever is started from now on as that of this process and campaign."""
    pid = os.getpid()
    owner = Owner(campaign_id, pid, _started(pid) or 0, _host(), kept)
    os.environ[MARK] = str(owner)
    return owner


def _started(pid: int) -> int | None:
    """Return when a process started, None where there is none or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else int(fields[_STARTED])


def _host() -> str:
    """Return what all processes with our view of process numbers have in common."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # a sandbox without them
        return platform.node().replace(":", "-")
