"""A run ends with the process that started it, however that ends."""

import os
import select
import signal
import subprocess
import sys

from orchestrator.scenario.models import ROOT

DEADLINE_S = 30.0
PARENT = """
import os, subprocess, sys
words = [sys.executable, "-m", "orchestrator.explore.run.child", str(os.getpid()), "mine"]
child = subprocess.Popen(words)
print(child.pid, flush=True)
child.wait()
"""


def test_it_ends_when_its_parent_is_killed() -> None:
    """It waits for its scenario, which this test never sends."""
    words = [sys.executable, "-c", PARENT]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as own:
        assert own.stdout is not None
        descriptor = os.pidfd_open(int(own.stdout.readline()))
        own.send_signal(signal.SIGKILL)
        assert select.select([descriptor], [], [], DEADLINE_S)[0]
        os.close(descriptor)


def test_it_ends_at_once_if_its_parent_has_ended_before() -> None:
    words = [sys.executable, "-m", "orchestrator.explore.run.child", "1", "mine"]
    ended = subprocess.run(
        words, cwd=ROOT, input=b"", capture_output=True, check=False, timeout=DEADLINE_S
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, b"")
