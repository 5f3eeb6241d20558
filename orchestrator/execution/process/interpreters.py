"""The Pythons that can run a server as a process: found, checked once, or refused by name.

``make interpreter PYTHON=3.13t`` builds one into the user's cache. That one comes first, so that
interpreters which were built in the same way are compared; then this one; then the PATH.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from orchestrator.execution.backend import BackendError
from orchestrator.execution.host import environment_without_settings
from orchestrator.scenario.versions import is_free_threaded, is_version, version_of

CHECK_DEADLINE_S = 20.0
_REPORT = """
import sys, sysconfig
print("%d.%d" % sys.version_info[:2] + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""))
print(sys.version.split()[0])
"""


def build_command(interpreter: str) -> str:
    """Return the command that builds ``interpreter``."""
    return f"make interpreter PYTHON={interpreter}"


def executable_of(interpreter: str | None) -> str:
    """Return the program that runs servers on ``interpreter``; ours if it is None.

    Raises:
        BackendError: there is none; with the command that builds it.
    """
    if interpreter is None:
        return sys.executable
    if not is_version(interpreter):
        raise BackendError(
            f"interpreter {interpreter} is an image; use --backend docker, or write a version"
        )
    refused = []
    for path in _candidates(interpreter):
        found, _ = _reported(path)
        if found == interpreter:
            return path
        refused.append(f"{path} is {f'Python {found}' if found else 'no Python that runs'}")
    looked = f"no python{interpreter} is in {_folder(interpreter) / 'bin'} or on the PATH"
    raise BackendError(
        f"interpreter {interpreter} is not on this machine: {'; '.join(refused) or looked}; "
        f"build it with: {build_command(interpreter)}"
    )


def full_version(executable: str) -> str:
    """Return the version that an executable reports: ``3.13.5``."""
    return _reported(executable)[1]


def _candidates(interpreter: str) -> Iterator[str]:
    """Yield the programs that may be ``interpreter``, the first of them first."""
    name = f"python{interpreter}"
    built = _folder(interpreter) / "bin" / name
    if built.exists():
        yield str(built)
    is_ours = version_of(interpreter) == ".".join(platform.python_version_tuple()[:2])
    if is_ours and _reported(sys.executable)[0] == interpreter:
        yield sys.executable
    if on_path := shutil.which(name):
        yield on_path


def _folder(interpreter: str) -> Path:
    """Return where ``make interpreter`` puts what it builds."""
    cache_folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_folder) / "server-models-lab" / f"python{interpreter}"


@cache
def _reported(executable: str) -> tuple[str, str]:
    """Return what an executable is, ``3.13t``, and its full version; empty if it does not run."""
    try:
        printed = subprocess.run(  # noqa: S603
            [executable, "-I", "-c", _REPORT],
            env=environment_without_settings(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=CHECK_DEADLINE_S,
            check=True,
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return "", ""
    return (printed[0], printed[1]) if len(printed) == len(("name", "version")) else ("", "")


def described(interpreter: str) -> str:
    """Return an interpreter in words: ``3.13.5, free-threaded, /usr/bin/python3.13t``."""
    executable = executable_of(interpreter)
    build = "free-threaded" if is_free_threaded(interpreter) else "with the interpreter lock"
    return f"{full_version(executable)}, {build}, {executable}"
