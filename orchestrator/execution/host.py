"""The host of a campaign: its description, its environment, and its CPU time during a load.

What the kernel counts is read at the start and at the end of a load, and not in between; so is the
CPU time of the lab's own programs.
"""

import os
import platform
import subprocess
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestrator.execution.cpus import Cpus
from orchestrator.execution.machine_times import KernelTimes, kernel_times
from orchestrator.execution.owner import MARK
from orchestrator.scenario.models import CLIENT_SOURCES, ROOT, SERVER_SOURCES

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

    ``kernel`` has those of the CPUs that the lab may run on. ``lab_s`` is the CPU time of each part
    of the lab (see `Stage.read_host`), ``own_cpu_s`` the orchestrator's.
    """

    at_s: float
    cpus: Cpus
    kernel: KernelTimes
    own_cpu_s: float
    lab_s: Mapping[str, float | None]

    @classmethod
    def now(
        cls, cpus: Cpus | None = None, lab_s: Mapping[str, float | None] | None = None
    ) -> "HostTimes":
        """Read the current totals, by default of the CPUs that this process may use."""
        cpus = cpus or Cpus.of_this_process()
        kernel, own_cpu_s = kernel_times(cpus.allowed), time.process_time()
        return cls(time.monotonic(), cpus, kernel, own_cpu_s, lab_s or {})

    @classmethod
    def elsewhere(cls, cpus: Cpus) -> "HostTimes":
        """Return the current time, and nothing of other machines, whose CPUs are ``cpus``."""
        return cls(time.monotonic(), cpus, KernelTimes(), time.process_time(), {})

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> "HostTimes":
        """Return the totals in what `orchestrator.execution.machine_times.answer` returns.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        return cls(
            float(answer["at_s"]),
            Cpus(int(answer["machine_cpus"]), tuple(map(int, answer["allowed_cpus"]))),
            KernelTimes(*(_number(answer[name]) for name in KernelTimes._fields)),
            float(answer["own_cpu_s"]),
            {str(part): _number(spent_s) for part, spent_s in answer["lab_s"].items()},
        )

    def since(self, begun: "HostTimes") -> dict[str, float | None]:
        """Return the differences to ``begun``, in seconds, and numbers of CPUs.

        ``busy_s`` is the time in which a CPU was neither idle nor taken by the hypervisor. The
        kernel measures idle time; the time of programs in ``/proc/stat`` it samples at each tick.
        """
        wall_s, on_cpus = self.at_s - begun.at_s, len(self.cpus.allowed)
        idle_s, irq_s, steal_s, pressure_s = map(_difference, self.kernel, begun.kernel)
        is_known = idle_s is not None and steal_s is not None
        parts = {
            f"{name}_s": _difference(total_s, begun.lab_s.get(name))
            for name, total_s in self.lab_s.items()
        }
        return {
            "wall_s": wall_s,
            "busy_s": wall_s * on_cpus - (idle_s or 0) - (steal_s or 0) if is_known else None,
            "irq_s": irq_s,
            "steal_s": steal_s,
            "own_cpu_s": self.own_cpu_s - begun.own_cpu_s,
            "pressure_s": pressure_s,
            "cpus": self.cpus.usable,
            "counted_cpus": float(on_cpus),
            "machine_cpus": float(self.cpus.machine),
            **parts,
        }


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]  # else a TypeError


def _difference(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier
