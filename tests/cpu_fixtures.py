"""Too little CPU time: a cgroup with a quota, and programs that keep all CPUs busy."""

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CGROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 100_000
BUSY_LOOP = "while True: pass"


@contextmanager
def hogs() -> Iterator[None]:
    """Keep all CPUs busy meanwhile: two endless loops for each."""
    with contextlib.ExitStack() as running:
        for _ in range(2 * len(os.sched_getaffinity(0))):
            hog = subprocess.Popen([sys.executable, "-c", BUSY_LOOP], stdin=subprocess.DEVNULL)
            running.callback(hog.wait)
            running.callback(hog.kill)
        yield


@contextmanager
def cpu_quota(cpus: float) -> Iterator[Path]:
    """Yield the ``cgroup.procs`` of a new cgroup, whose processes share ``cpus`` of CPU time.

    It must be empty again at the end. Skip the test if this user, or this machine, can make none.
    """
    is_first_version = (CGROUPS / "cpu").is_dir()
    parent = CGROUPS / "cpu" if is_first_version else CGROUPS
    folder = parent / f"server-models-lab-test-{uuid.uuid4().hex}"
    quota_us = round(cpus * PERIOD_US)
    try:
        folder.mkdir()
    except OSError as exc:
        pytest.skip(f"no cgroup can be made here: {exc}")
    try:
        if is_first_version:
            _write(folder / "cpu.cfs_period_us", f"{PERIOD_US}")
            _write(folder / "cpu.cfs_quota_us", f"{quota_us}")
        else:
            _write(folder / "cpu.max", f"{quota_us} {PERIOD_US}")
        yield folder / "cgroup.procs"
    finally:
        folder.rmdir()


def _write(path: Path, text: str) -> None:
    try:
        with path.open("r+", encoding="ascii") as file:
            file.write(text)
    except OSError as exc:
        pytest.skip(f"a cgroup can have no CPU quota here: {exc}")
