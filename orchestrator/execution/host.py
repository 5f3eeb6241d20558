"""The host of a campaign: its description, its environment, and its CPU time during a load.

CPU time of all programs, steal and pressure are read from ``/proc/stat`` (proc(5)) and
``/proc/pressure/cpu`` (PSI, kernel documentation, accounting/psi.rst) at the start and at the end
of a load, and not in between.
"""

import contextlib
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from orchestrator.execution.owner import MARK
from orchestrator.scenario.models import ROOT

STAT, PRESSURE = Path("/proc/stat"), Path("/proc/pressure/cpu")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
USER, NICE, SYSTEM, STEAL = 0, 1, 2, 7  # columns of the line ``cpu``, in ticks
REQUIREMENTS = ROOT / "requirements.in"
TARGET_INHERITS = frozenset(
    {"PATH", "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", MARK}
)
PYTHON_INHERITS = frozenset({"PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"})
"""Where Python itself is, and where it stores compiled files."""


def describe_host(backend: Mapping[str, object]) -> dict[str, object]:
    """Return the kernel, CPUs and memory, the lab's versions and revision, and the backend's."""
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _required()},
        "git_revision": _git("rev-parse", "HEAD"),
        "git_modified": bool(_git("status", "--porcelain")),
        "backend": dict(backend),
    }


def _required() -> list[str]:
    """Return the packages that the orchestrator needs, by the file that the lock is made from."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _git(*arguments: str) -> str | None:
    """Return git's output, None if this is not a checkout."""
    try:
        output = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return output.stdout.strip()


def environment_without_settings() -> dict[str, str]:
    """Return our environment without settings of the lab and of Python, for the lab's programs.

    The lab's settings come from the scenario only. Python's would change what is measured, or keep
    a program from finding its packages, as PYTHONSAFEPATH does.
    """
    return {
        key: value
        for key, value in os.environ.items()
        if key in PYTHON_INHERITS or not key.startswith(("LAB_", "PYTHON"))
    }


def environment_of_target() -> dict[str, str]:
    """Return the environment for the program of a scenario: none of the caller's tokens and keys.

    It has the owner, so that `clean` finds it if it is left behind.
    """
    return {key: value for key, value in os.environ.items() if key in TARGET_INHERITS}


@dataclass(frozen=True)
class HostTimes:
    """Totals since boot, in seconds; None if one cannot be read.

    ``busy_s`` is the CPU time of all programs, ``own_cpu_s`` the orchestrator's.
    """

    at_s: float
    busy_s: float | None
    steal_s: float | None
    own_cpu_s: float
    pressure_s: float | None

    @classmethod
    def now(cls) -> "HostTimes":
        """Read the current totals."""
        busy_s = steal_s = pressure_s = None
        with contextlib.suppress(OSError, ValueError, IndexError):  # not Linux
            ticks = [int(word) for word in STAT.read_text().split("\n", 1)[0].split()[1:]]
            busy_s = (ticks[USER] + ticks[NICE] + ticks[SYSTEM]) / TICKS_PER_S
            steal_s = ticks[STEAL] / TICKS_PER_S
        with contextlib.suppress(OSError, ValueError, IndexError):  # a kernel without PSI
            pressure_s = int(PRESSURE.read_text().split("total=", 1)[1].split()[0]) / 1e6
        return cls(time.monotonic(), busy_s, steal_s, time.process_time(), pressure_s)

    def since(self, begun: "HostTimes") -> dict[str, float | None]:
        """Return the differences to ``begun``, in seconds, and the number of CPUs."""
        return {
            "wall_s": self.at_s - begun.at_s,
            "busy_s": _difference(self.busy_s, begun.busy_s),
            "steal_s": _difference(self.steal_s, begun.steal_s),
            "own_cpu_s": self.own_cpu_s - begun.own_cpu_s,
            "pressure_s": _difference(self.pressure_s, begun.pressure_s),
            "cpus": float(os.cpu_count() or 1),
        }


def _difference(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier
