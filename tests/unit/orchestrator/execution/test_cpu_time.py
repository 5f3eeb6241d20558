"""CPU time of local programs by session, with what they fork."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.execution import cpu_time
from orchestrator.execution.cpu_time import cpu_s_by_session, cpu_s_of, cpu_s_of_ended_children

STAT = "7 (a) (b) c) S 1 7 {session} 0 -1 0 0 0 0 0 {user} {system} {reaped} 0 20 0 1 0 0\n"


def test_the_kernel_s_clock_of_this_session_has_more_than_ticks() -> None:
    used_s = cpu_s_by_session()[os.getsid(0)]
    assert used_s > 0
    assert round(used_s * 100) != used_s * 100


def test_a_session_contains_all_its_processes_and_what_they_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the kernel's clock, as of a process of another machine, ticks are used."""
    monkeypatch.setattr(cpu_time, "_clock_of", lambda _: -1_000_000)
    monkeypatch.setattr(cpu_time, "TICKS_PER_S", 100)
    for pid, session in ((7, 7), (8, 7), (9, 9)):
        (tmp_path / str(pid)).mkdir()
        text = STAT.format(session=session, user=30, system=20, reaped=100)
        (tmp_path / str(pid) / "stat").write_text(text)
    (tmp_path / "10").mkdir()  # it has ended meanwhile
    found = cpu_s_by_session(tmp_path)
    assert found == {7: 3.0, 9: 1.5}
    assert cpu_s_of([7, 9, 11], found) == 4.5


def test_a_child_that_has_ended_is_not_forgotten() -> None:
    before_s = cpu_s_of_ended_children()
    subprocess.run([sys.executable, "-S", "-c", "sum(range(300_000))"], check=True)
    assert cpu_s_of_ended_children() > before_s
