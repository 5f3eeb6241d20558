"""The host of a campaign: its description, its environment, and its CPU time during a load.

Idle time, steal and pressure are read from ``/proc/stat`` (proc(5)) and ``/proc/pressure/cpu``
(PSI, kernel documentation, accounting/psi.rst) at the start and at the end of a load, and not in
between; so is the CPU time of the lab's own programs.
"""

import contextlib
import os
import platform
import subprocess
import time
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from orchestrator.execution.cpus import Cpus
from orchestrator.execution.owner import MARK
from orchestrator.scenario.models import CLIENT_SOURCES, ROOT, SERVER_SOURCES

STAT, PRESSURE = Path("/proc/stat"), Path("/proc/pressure/cpu")
IRQ_PRESSURE = Path("/proc/pressure/irq")
"""Exists if the kernel keeps the time in interrupts apart from that of programs."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL = 3, 4, 5, 6, 7  # columns of a line ``cpu``, in ticks
CPU_INFO = Path("/proc/cpuinfo")
CPU_MODEL = frozenset({"model name", "cpu model", "cpu", "uarch", "CPU part"})
"""The fields that name it, by the architecture: x86, mips, power, riscv, arm."""
REQUIREMENTS, PROJECT = ROOT / "requirements.in", ROOT / "pyproject.toml"
GIT_REPOSITORY = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"})
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
        "cpu_model": cpu_model(),
        **Cpus.of_this_process().describe(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _required()},
        "lab_version": tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"],
        "git_revision": _git("rev-parse", "HEAD"),
        "source_trees": _source_trees(),
        "git_modified": _is_modified(),
        "backend": dict(backend),
    }


def cpu_model(info: Path = CPU_INFO) -> str | None:
    """Return the name of the first CPU that the kernel lists, None if it names none."""
    try:
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    fields = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in fields if name.strip() in CPU_MODEL), None)


def _source_trees() -> dict[str, str] | None:
    """Return git's hash of the content of each folder at the revision, None if it is unknown.

    It is the same at each revision that does not change the folder.
    """
    folders = (*SERVER_SOURCES, *CLIENT_SOURCES)
    hashes = _git("rev-parse", *(f"HEAD:{folder}" for folder in folders))
    return None if hashes is None else dict(zip(folders, hashes.split(), strict=True))


def _required() -> list[str]:
    """Return the packages that the orchestrator needs, by the file that the lock is made from."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _is_modified() -> bool | None:
    """Return whether files differ from the revision, None if that is unknown."""
    changes = _git("status", "--porcelain")
    return None if changes is None else bool(changes)


def _git(*arguments: str) -> str | None:
    """Return git's output, None if this is not a checkout, or git cannot tell.

    The checkout may be another user's: its code runs already, so git may read it as well. A
    repository around it, or one that the caller's environment names, is not the lab's.
    """
    ours = ["-c", f"safe.directory={ROOT}", "-c", "core.fsmonitor=false"]
    environment = {name: value for name, value in os.environ.items() if name not in GIT_REPOSITORY}
    try:
        output = subprocess.run(  # noqa: S603
            ["git", *ours, *arguments],  # noqa: S607
            cwd=ROOT,
            env=environment | {"GIT_CEILING_DIRECTORIES": str(ROOT.parent)},
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
    """Totals in seconds, since boot or since a program started; None if one cannot be read.

    ``idle_s``, ``irq_s`` and ``steal_s`` are of the CPUs that the lab may run on. ``lab_s`` is the
    CPU time of each part of the lab (see `Stage.cpu_s`), ``own_cpu_s`` the orchestrator's.
    ``irq_s`` is the time in interrupts that the kernel books to no program, 0 if it books all of it
    to the program that was interrupted.
    """

    at_s: float
    cpus: Cpus
    idle_s: float | None
    irq_s: float | None
    steal_s: float | None
    own_cpu_s: float
    pressure_s: float | None
    lab_s: Mapping[str, float | None]

    @classmethod
    def now(
        cls, cpus: Cpus | None = None, lab_s: Mapping[str, float | None] | None = None
    ) -> "HostTimes":
        """Read the current totals, by default of the CPUs that this process may use."""
        cpus = cpus or Cpus.of_this_process()
        idle_s = irq_s = steal_s = pressure_s = None
        with contextlib.suppress(OSError, ValueError, IndexError):  # not Linux
            ticks = _ticks(STAT.read_text(encoding="ascii"), cpus.allowed)
            idle_s = (ticks[IDLE] + ticks[IOWAIT]) / TICKS_PER_S
            irq_s = (ticks[IRQ] + ticks[SOFTIRQ]) / TICKS_PER_S if IRQ_PRESSURE.exists() else 0.0
            steal_s = ticks[STEAL] / TICKS_PER_S
        with contextlib.suppress(OSError, ValueError, IndexError):  # a kernel without PSI
            pressure_s = int(PRESSURE.read_text().split("total=", 1)[1].split()[0]) / 1e6
        own_cpu_s = time.process_time()
        return cls(
            time.monotonic(), cpus, idle_s, irq_s, steal_s, own_cpu_s, pressure_s, lab_s or {}
        )

    @classmethod
    def elsewhere(cls, cpus: Cpus) -> "HostTimes":
        """Return the current time, and nothing of other machines, whose CPUs are ``cpus``."""
        return cls(time.monotonic(), cpus, None, None, None, time.process_time(), None, {})

    def since(self, begun: "HostTimes") -> dict[str, float | None]:
        """Return the differences to ``begun``, in seconds, and numbers of CPUs.

        ``busy_s`` is the time in which a CPU was neither idle nor taken by the hypervisor. The
        kernel measures idle time; the time of programs in ``/proc/stat`` it samples at each tick.
        """
        wall_s, on_cpus = self.at_s - begun.at_s, len(self.cpus.allowed)
        idle_s = _difference(self.idle_s, begun.idle_s)
        steal_s = _difference(self.steal_s, begun.steal_s)
        is_known = idle_s is not None and steal_s is not None
        parts = {
            f"{name}_s": _difference(total_s, begun.lab_s.get(name))
            for name, total_s in self.lab_s.items()
        }
        return {
            "wall_s": wall_s,
            "busy_s": wall_s * on_cpus - (idle_s or 0) - (steal_s or 0) if is_known else None,
            "irq_s": _difference(self.irq_s, begun.irq_s),
            "steal_s": steal_s,
            "own_cpu_s": self.own_cpu_s - begun.own_cpu_s,
            "pressure_s": _difference(self.pressure_s, begun.pressure_s),
            "cpus": self.cpus.usable,
            "counted_cpus": float(on_cpus),
            "machine_cpus": float(self.cpus.machine),
            **parts,
        }


def _ticks(stat: str, numbers: Collection[int]) -> list[int]:
    """Return the columns of proc_stat(5), added up for the CPUs ``numbers``.

    Raises:
        ValueError: one of them has no line.
    """
    lines = {line.split()[0]: line.split()[1:] for line in stat.splitlines() if line[:3] == "cpu"}
    try:
        rows = [[int(word) for word in lines[f"cpu{number}"]] for number in numbers]
    except KeyError as exc:
        raise ValueError(f"no line {exc.args[0]}") from exc
    return [sum(column) for column in zip(*rows, strict=True)]


def _difference(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier
