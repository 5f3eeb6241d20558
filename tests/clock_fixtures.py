"""Programs whose CLOCK_MONOTONIC is a day ahead of this machine's, in a time namespace."""

import shutil
import subprocess
from functools import cache

import pytest

AHEAD_S = 86_400
AHEAD = ["unshare", "--time", "--monotonic", str(AHEAD_S), "--fork", "--kill-child"]
"""Put before a command, it makes its clock `AHEAD_S` ahead; as root only."""


def need_time_namespace() -> None:
    """Skip the test, with the reason, if no program can be started with such a clock."""
    if refusal := _refusal():
        pytest.skip(f"needs a time namespace: {refusal}")


@cache
def _refusal() -> str:
    if shutil.which(AHEAD[0]) is None:
        return "unshare is not installed (util-linux)"
    tried = subprocess.run([*AHEAD, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() or "refused" if tried.returncode else ""
