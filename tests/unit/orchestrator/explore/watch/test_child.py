"""A server ends with the process that started it."""

import signal
import subprocess
import sys

from orchestrator.scenario.models import ROOT

DEADLINE_S = 30.0


def test_it_ends_at_once_if_its_parent_has_ended_before() -> None:
    words = [sys.executable, "-m", "orchestrator.explore.watch.child", "1", "prefork", "0"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, check=False, timeout=DEADLINE_S)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, b"")
