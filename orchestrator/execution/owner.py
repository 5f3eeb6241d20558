"""The owner of a container or a process: a campaign, and the orchestrator that runs it.

The orchestrator writes it into its own environment once. Every program that it starts inherits it,
and Compose labels every container and network with it. So `clean` can distinguish what a killed
orchestrator left from what is in use and from what is not the lab's. Reads ``/proc`` only.
"""

import contextlib
import os
import platform
import re
import signal
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from urllib.parse import quote, unquote

from orchestrator.scenario.models import ROOT

MARK = "SERVER_MODELS_LAB_OWNER"
"""The environment variable; `compose.yaml` turns it into a label."""

LABEL = "lab.owner"
_KEPT = "kept"
_FORMAT = re.compile(r"([^:]*):([0-9]{1,20}):([0-9]{1,20}):([^:]*):([^:]*)(?::([^:]*))?")
"""The last field, the checkout, is missing in marks of older versions."""

_STATE, _STARTED = 0, 19
"""Fields of ``/proc/<pid>/stat``, counted after the name; proc(5)."""


class State(Enum):
    """The state of an orchestrator."""

    RUNS = auto()
    GONE = auto()
    OUT_OF_SIGHT = auto()  # on another host or in another container, or before a restart


@dataclass(frozen=True)
class Owner:
    """An orchestrator: its process, identified by its start as well, since pids are reused.

    ``started`` is in clock ticks since boot; ``host`` identifies the boot and the pid namespace.
    ``kept`` is whether its containers are to be kept for inspection. ``checkout`` is the folder of
    its repository, empty if it is not known.
    """

    campaign_id: str
    pid: int
    started: int
    host: str
    kept: bool
    checkout: str = ""

    def __str__(self) -> str:
        kept = _KEPT if self.kept else ""
        checkout = quote(os.fsencode(self.checkout))
        fields = (self.campaign_id, self.pid, self.started, self.host, kept, checkout)
        return ":".join(map(str, fields))

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        """Return the owner in ``text``, None if it is not one."""
        fields = _FORMAT.fullmatch(text)
        if fields is None:
            return None
        campaign_id, pid, started, host, kept, checkout = fields.groups(default="")
        path = unquote(checkout, errors="surrogateescape")
        return cls(campaign_id, int(pid), int(started), host, kept == _KEPT, path)

    @property
    def is_of_this_checkout(self) -> bool:
        """Whether the same checkout of the repository runs now."""
        return self.checkout == str(ROOT)

    def state(self) -> State:
        """Return its state, as far as this host can see it."""
        if self.host != _host():
            return State.OUT_OF_SIGHT
        return State.RUNS if _started(self.pid) == self.started else State.GONE


def claim(campaign_id: str, *, kept: bool) -> Owner:
    """Mark everything started from now on as owned by this process and campaign."""
    pid = os.getpid()
    owner = Owner(campaign_id, pid, _started(pid) or 0, _host(), kept, str(ROOT))
    os.environ[MARK] = str(owner)
    return owner


def owner_of(process: Path) -> Owner | None:
    """Return the owner of ``process``, a folder of ``/proc``; None if it has none.

    Raises:
        OSError: it has ended, or belongs to another user.
    """
    mark = f"{MARK}=".encode()
    for variable in (process / "environ").read_bytes().split(b"\0"):
        if variable.startswith(mark):
            return Owner.parse(variable.removeprefix(mark).decode(errors="replace"))
    return None


def end_strays() -> None:
    """Kill what this process's programs left, such as a daemon that a target's command started.

    They have left the session of their program, so only the mark tells whose they are. One that
    has cleared its environment is not found.
    """
    owner = Owner.parse(os.environ.get(MARK, ""))
    if owner is None or owner.pid != os.getpid():
        return
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != owner.pid:
            with contextlib.suppress(OSError):
                if owner_of(process) == owner:
                    os.kill(int(process.name), signal.SIGKILL)


def _started(pid: int) -> int | None:
    """Return when a process started, None if there is none or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else int(fields[_STARTED])


def _host() -> str:
    """Return what identifies this boot and pid namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # a sandbox without them
        return platform.node().replace(":", "-")
