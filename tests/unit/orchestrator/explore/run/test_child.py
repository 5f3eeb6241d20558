"""A program ends with the process that started it, however that ends."""

import os
import select
import signal
import subprocess
import sys

from orchestrator.scenario.models import ROOT

DEADLINE_S = 30.0
PARENT = """
import os, subprocess, sys
word = [sys.executable, "-m", "orchestrator.explore.run.child", str(os.getpid())]
program = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
subprocess.run([*word, "-c", program])
"""


def test_it_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE) as own:
        assert own.stdout is not None
        descriptor = os.pidfd_open(int(own.stdout.readline()))
        own.send_signal(signal.SIGKILL)
        assert select.select([descriptor], [], [], DEADLINE_S)[0]
        os.close(descriptor)


def test_it_ends_at_once_if_its_parent_has_ended_before() -> None:
    words = [sys.executable, "-m", "orchestrator.explore.run.child", "1", "-c", "print(1)"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, check=False, timeout=DEADLINE_S)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, b"")
