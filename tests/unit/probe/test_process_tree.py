"""A process and its descendants: all are counted, and no earlier count is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from conformance.target import await_true
from probe.proc_text import Memory
from probe.process_tree import Tree
from probe.sampler import Sampler

FORKING = """
import os, sys, threading
reading, writing = os.pipe()
for number in range(2):
    if not os.fork():
        os.close(writing)
        thread = threading.Thread(target=os.read, args=(reading, 1))
        thread.start()
        os.write(1, b"ready\\n")
        thread.join()
        os._exit(0)
os.close(reading)
sys.stdin.read()
"""


@pytest.fixture
def family() -> Iterator["subprocess.Popen[str]"]:
    """Yield a process with two idle children of two threads each."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
        yield parent
        parent.communicate()


def test_all_processes_and_threads_count(family: "subprocess.Popen[str]") -> None:
    tree = Tree(family.pid)
    used = tree.usage()
    assert (used.processes, used.threads) == (3, 5)
    assert used.voluntary > 0
    assert 0 < tree.run_delay_s() < 60
    assert tree.descriptors() == 3 * 3 + 1 + 1 + 1  # stdin to stderr of each, an end of the pipe
    assert min(tree.memory()) > 1 << 20


def test_a_killed_child_is_not_counted_but_its_usage_is(
    family: "subprocess.Popen[str]",
) -> None:
    tree = Tree(family.pid)
    before, waited_s = tree.usage(), tree.run_delay_s()
    children = Path(f"/proc/{family.pid}/task/{family.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    await_true(lambda: _state(int(children[0])) in "ZX", "the end of the child")
    after = tree.usage()
    assert (after.processes, after.threads) == (2, 3)
    assert after.voluntary >= before.voluntary
    assert after.user_s >= before.user_s
    assert tree.run_delay_s() >= waited_s
    assert tree.descriptors() > 0
    assert tree.memory().anonymous_bytes > 0


def test_an_ended_process_is_gone(family: "subprocess.Popen[str]") -> None:
    tree = Tree(family.pid)
    assert not tree.is_gone
    family.communicate()
    assert tree.is_gone


def test_a_file_that_the_kernel_lacks_is_an_error_and_not_zero(tmp_path: Path) -> None:
    """The process runs, but the kernel has neither smaps_rollup nor children."""
    process = tmp_path / "7"
    (process / "task" / "7").mkdir(parents=True)
    (process / "stat").write_text(Path("/proc/self/stat").read_text())
    tree = Tree(7, str(tmp_path))
    with pytest.raises(FileNotFoundError):
        tree.usage()
    (process / "task" / "7" / "children").write_text("")
    with pytest.raises(FileNotFoundError):
        tree.memory()


def test_an_unreadable_field_is_reported_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sampler = Sampler(os.getpid(), 0)

    def refuse() -> Memory:
        raise PermissionError(13, "Permission denied", "/proc/7/smaps_rollup")

    monkeypatch.setattr(sampler.tree, "memory", refuse)
    with closing(sampler):
        sample = sampler.everything()
    assert "memory_pss_bytes" not in sample
    assert sample["processes"] >= 1
    assert dict(sampler.unread) == {
        "memory": "[Errno 13] Permission denied: '/proc/7/smaps_rollup'"
    }


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
