"""What a server inherits from the program that starts it does not change how it serves and stops.

Each server is executed by a wrapper, as by a shell, so that it keeps the wrapper's pid, children,
ignored signals and mask.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

from conformance.server_process import Starter, is_process

_IGNORE = "[signal.signal(each, signal.SIG_IGN) for each in {%s}]"
_BLOCK = "signal.pthread_sigmask(signal.SIG_BLOCK, {%s})"
_ALL = "*signal.valid_signals()"
_STOPPING = "signal.SIGTERM, signal.SIGINT, signal.SIGALRM"
INHERITED = {
    "SIGTERM and SIGINT ignored": _IGNORE % _STOPPING,
    "SIGTERM and SIGINT blocked": _BLOCK % _STOPPING,
    "SIGCHLD ignored": _IGNORE % "signal.SIGCHLD",
    "SIGPIPE at its default": "signal.signal(signal.SIGPIPE, signal.SIG_DFL)",
    "all blocked": _BLOCK % _ALL,
    "all ignored and blocked": _IGNORE % f"*{{{_ALL}}} - {{9, 19, 32, 33}}" + ";" + _BLOCK % _ALL,
}


def _inherits(statement: str) -> list[str]:
    """Return the wrapper which runs ``statement`` and then executes its arguments."""
    execute = "os.execvp(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", f"import os, signal, sys; {statement}; {execute}"]


@pytest.mark.parametrize(
    ("inherited", "signum"),
    [
        ("SIGTERM and SIGINT ignored", signal.SIGINT),
        ("SIGTERM and SIGINT blocked", signal.SIGTERM),
        ("all blocked", signal.SIGINT),
        ("all ignored and blocked", signal.SIGTERM),
        ("SIGPIPE at its default", signal.SIGTERM),
    ],
)
def test_inherited_signals_do_not_keep_it_from_stopping(
    start: Starter, inherited: str, signum: signal.Signals
) -> None:
    server = start.launch(wrapper=_inherits(INHERITED[inherited])).await_listening()
    server.serves()
    server.send_signal(signum)
    assert server.wait() == 0
    assert server.stderr == ""
    assert server.of("drain_begun")[0]["signal"] == signum.name
    server.assert_log_complete()


@pytest.mark.parametrize("inherited", ["SIGCHLD ignored", "all ignored and blocked"])
def test_inherited_signals_do_not_hide_the_end_of_a_worker(start: Starter, inherited: str) -> None:
    """If workers are processes: it is logged with its reason, and the worker is replaced."""
    server = start.launch(wrapper=_inherits(INHERITED[inherited])).await_listening()
    started = [event["worker_pid"] for event in server.of("worker_started")]
    workers = [pid for pid in started if is_process(pid)]
    for number, pid in enumerate(workers, start=1):
        os.kill(pid, signal.SIGKILL)
        assert server.await_event("worker_exited", number)["reason"] == "SIGKILL"
        server.await_event("worker_started", server.workers + number)
    server.serves()
    server.stop()
    assert server.stderr == ""


@pytest.mark.parametrize("inherited", ["all ignored and blocked"])
def test_inherited_signals_do_not_disable_the_drain_time_out(
    start: Starter, inherited: str
) -> None:
    wrapper = _inherits(INHERITED[inherited])
    server = start.launch(wrapper=wrapper, LAB_DRAIN_TIMEOUT="200ms").await_listening()
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=50s\x03")
        client.await_ack()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 1


def test_under_nohup_it_outlives_a_hangup(start: Starter) -> None:
    server = start.launch(wrapper=["nohup"]).await_listening()
    server.signal_group(signal.SIGHUP)
    server.serves()
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    server.assert_log_complete()


@pytest.mark.parametrize("signals", [1, 2])
def test_a_child_that_it_did_not_start_ends_unnoticed(start: Starter, signals: int) -> None:
    """One ends while it serves, one in the drain, and one after the server."""
    children = "".join(f"sleep {duration_s} >/dev/null 2>&1 & " for duration_s in (1, 60, 60))
    server = start.launch(wrapper=_shell(f"{children} exec")).await_listening()
    workers = {event["worker_pid"] for event in server.of("worker_started")}
    strange = [pid for pid in server.process_ids()[1:] if pid not in workers]
    assert len(strange) == 3
    if any(is_process(pid) for pid in workers):
        server.await_true(lambda: _is_reaped(strange[0]), "the child is reaped")
    server.serves()
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=%dms\x03" % (50_000 if signals > 1 else 400))
        client.await_ack()
        server.send_signal(signal.SIGTERM)
        server.await_event("drain_begun")
        os.kill(strange[1], signal.SIGKILL)
        if signals > 1:
            server.send_signal(signal.SIGTERM)
        assert server.wait() == (0 if signals == 1 else 128 + signal.SIGTERM)
    assert server.stderr == ""
    assert len(server.of("stopped")) == 1
    workers = {event["worker_pid"] for event in server.of("worker_started")}
    assert {event["worker_pid"] for event in server.of("worker_exited")} <= workers


def test_the_cpu_time_of_a_child_that_it_did_not_start_is_not_its_own(start: Starter) -> None:
    burn = f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.5: pass'"
    server = start.launch(wrapper=_shell(f"{burn}; {burn} & exec")).await_listening()
    workers = {event["worker_pid"] for event in server.of("worker_started")}
    strange = next(pid for pid in server.process_ids()[1:] if pid not in workers)
    server.await_true(lambda: not is_process(strange), "the child ends")
    server.serves()
    stopped = server.stop()[-1]
    assert 0 < stopped["cpu_user_s"] + stopped["cpu_system_s"] < 0.5


def _shell(command: str) -> list[str]:
    """Return a wrapper that runs ``command``, which ends with ``exec``."""
    return ["sh", "-c", f'{command} "$@"', "sh"]


def _is_reaped(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()
