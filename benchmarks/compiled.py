"""Compiles the C programs of the bench when they are needed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.machine import ROOT

SOURCES = ROOT / "benchmarks" / "native"
BUILD = ROOT / "benchmarks" / "build"
FLAGS = ("-O2", "-std=c11", "-Wall", "-Wextra")


class CompilerError(Exception):
    """There is no C compiler, or it failed."""


def build(program: str) -> Path:
    """Return the executable of ``native/<program>.c``, compiled again if the source is newer.

    Raises:
        CompilerError: it could not be compiled.
    """
    source, executable = SOURCES / f"{program}.c", BUILD / program
    if executable.exists() and executable.stat().st_mtime > source.stat().st_mtime:
        return executable
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise CompilerError("no C compiler: on Debian and Ubuntu, as root: apt-get install gcc")
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:  # another process may build it, too
        made = Path(folder) / program
        command = [compiler, *FLAGS, "-o", str(made), str(source)]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if outcome.returncode:
            raise CompilerError(outcome.stderr)
        made.replace(executable)
    return executable
