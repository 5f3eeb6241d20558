"""What a container's keeper says first; tests/e2e/test_watch.py starts and kills one."""

import signal
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.explore.watch.container import Published
from orchestrator.scenario.models import ROOT

DEADLINE_S = 30.0


@given(st.integers(0, 65_535), st.integers(0, 4_194_304))
def test_where_it_is_published_is_read_as_it_is_written(port: int, pid: int) -> None:
    where = Published(port, pid)
    assert Published.read(f"{where}\n") == where


@given(st.text())
def test_another_line_says_nothing_of_it(line: str) -> None:
    found = Published.read(line)
    assert found is None or str(found) == line.removesuffix("\n")


def test_it_ends_at_once_if_its_parent_has_ended_before() -> None:
    words = [sys.executable, "-m", "orchestrator.explore.watch.container", "1", "prefork", "0"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, check=False, timeout=DEADLINE_S)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, b"")
