"""The logs of one server, and the counts that its processes share."""

import json
import os
import resource
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.server.events import EventLog
from labkit.server.logs import (
    Counts,
    Logs,
    cpu_times_s,
    has_interpreter_lock,
    peak_memory_bytes,
)
from labkit.server.settings import Settings
from labkit.server.stream import Stream

JSON = Settings(workers=2, log_format="json")


def test_counts_are_of_what_happened_and_of_what_is_logged() -> None:
    counts = Counts(2)
    for row in (0, 1):
        log = EventLog(Stream("m", os.open(os.devnull, os.O_WRONLY), False, "lifecycle"), row,
                       counts.row(row))  # fmt: skip
        log.emit("accepted", conn="1", peer="p")
        log.emit("accept_refused", error="EMFILE")
    assert counts.total("accepted") == 2
    assert counts.logged("lifecycle") == {"accept_refused": 2}
    assert log.count("accepted") == 1


def test_the_counts_of_a_process_that_was_killed_remain() -> None:
    logs = Logs("m", JSON)
    child = os.fork()
    if not child:
        logs[2].emit("accepted", conn="2.1", peer="p")  # not flushed: the line is lost
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert logs[2].count("accepted") == 1
    assert logs.connections_open() == 1


def test_a_connection_is_open_until_it_was_closed_or_failed() -> None:
    logs = Logs("m", JSON)
    for number in (1, 2, 3):
        logs[number % 2].emit("accepted", conn=f"1.{number}", peer="p")
    assert logs.connections_open() == 3
    logs[1].emit("connection_closed", conn="1.1", requests=0, reason="eof")
    logs[2].emit("connection_failed", conn="1.2", requests=0, reason="reset by the peer")
    assert logs.connections_open() == 1


def test_stopped_is_the_last_line_and_written_once(capfd: pytest.CaptureFixture[str]) -> None:
    logs = Logs("m", JSON)
    logs[1].emit("accepted", conn="1.1", peer="p")
    logs[2].emit("accepted", conn="2.1", peer="p")
    logs.stopped("drained")
    logs.stopped("second signal")
    *accepted, stopped = map(json.loads, capfd.readouterr().out.splitlines())
    assert [line["worker"] for line in accepted] == [1, 2]
    assert (stopped["event"], stopped["reason"], stopped["worker"]) == ("stopped", "drained", 0)
    assert stopped["counts"] == {"accepted": 2, "stopped": 1}
    assert stopped["peak_memory_bytes"] > 1 << 20


def test_lines_of_a_forked_worker_have_its_pid(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = Logs("m", JSON)
    monkeypatch.setattr(os, "getpid", lambda: 4711)
    logs.become_worker()
    for log in (logs[1], logs.control):
        log.emit("accepted", conn="1.1", peer="p")
        log.flush()
    lines = capfd.readouterr().out.splitlines()
    assert [json.loads(line)["pid"] for line in lines] == [4711, 4711]


def test_cpu_time_is_that_of_the_server_and_of_its_reaped_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usages = {
        resource.RUSAGE_SELF: SimpleNamespace(ru_utime=4.0, ru_stime=0.5),
        resource.RUSAGE_CHILDREN: SimpleNamespace(ru_utime=2.0, ru_stime=0.25),
    }
    monkeypatch.setattr(resource, "getrusage", usages.__getitem__)
    assert cpu_times_s() == (6.0, 0.75)


def test_peak_memory_is_at_least_what_is_resident(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert peak_memory_bytes() >= pages * resource.getpagesize() - (1 << 20)  # statm is inexact

    def fail(_path: Path) -> bytes:
        raise OSError

    monkeypatch.setattr(Path, "read_bytes", fail)  # no descriptor is left
    assert peak_memory_bytes() == resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_the_cpu_time_of_children_that_are_no_workers_is_not_reported(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither what was used before the logs were opened, nor what is excluded later."""
    logs = Logs("m", JSON)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    logs.exclude_cpu_times(usage)
    logs.stopped("drained")
    (stopped,) = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert 0 <= stopped["cpu_user_s"] < usage.ru_utime
    after_s = sum(cpu_times_s()) - usage.ru_utime - usage.ru_stime
    assert stopped["cpu_user_s"] + stopped["cpu_system_s"] <= after_s + 1e-5


def test_the_last_line_says_whether_the_interpreter_lock_is_on_then(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An extension that is imported during the run may turn it on."""
    states = iter([False, True])
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: next(states), raising=False)
    assert not has_interpreter_lock()
    Logs("m", JSON).stopped("drained")
    assert json.loads(capfd.readouterr().out)["interpreter_lock"] is True


def test_an_interpreter_before_free_threading_has_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "_is_gil_enabled", raising=False)
    assert has_interpreter_lock()
