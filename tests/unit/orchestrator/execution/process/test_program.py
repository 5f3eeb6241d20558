"""Programs of a line or two of Python, started without its site packages."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.host import environment_without_settings
from orchestrator.execution.process.program import Program
from orchestrator.execution.program_log import wait_for

DEADLINE_S = 20.0
LISTENING = "print(json.dumps({'event': 'listening', 'port': %d}), flush=True)"
WAIT = "signal.pause()"


class Started:
    """Starts programs that write into one folder, and kills them at the end."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "program.log"
        self._folder = folder
        self._programs: list[Program] = []

    def run(self, *lines: str, **settings: str) -> Program:
        code = "\n".join(["import json, os, signal, sys", *lines])
        command = [sys.executable, "-S", "-E", "-c", code]
        environment = {**environment_without_settings(), **settings}
        program = Program("server", command, environment, self.log, self._folder)
        self._programs.append(program)
        return program

    def kill(self) -> None:
        for program in self._programs:
            program.kill()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    programs = Started(tmp_path)
    yield programs
    programs.kill()


def test_the_port_is_that_of_the_listening_event(started: Started) -> None:
    program = started.run("print('starting')", LISTENING % 4321, WAIT)
    assert program.listening_port() == 4321
    program.check()


def test_a_program_that_is_started_again_has_the_port_of_its_own_start(started: Started) -> None:
    """Both write to one log, which the second continues."""
    assert started.run(LISTENING % 1).wait(DEADLINE_S) == 0
    again = started.run(LISTENING % 2, WAIT)
    assert again.listening_port(start=1) == 2


def test_a_program_that_listened_and_ended_at_once_did_listen(started: Started) -> None:
    program = started.run(LISTENING % 4321)
    program.wait(DEADLINE_S)
    assert program.listening_port() == 4321


def test_a_program_that_ends_at_its_start_is_reported_with_its_last_lines(started: Started) -> None:
    program = started.run("print('no port')", "sys.exit('address in use')")
    with pytest.raises(BackendError, match="server ended at start, exit code 1") as failure:
        program.listening_port()
    assert "    no port\n    address in use" in str(failure.value)


def test_a_program_that_does_not_listen_in_time_is_reported(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.execution.process.program.START_DEADLINE_S", 0.0)
    with pytest.raises(BackendError, match="did not listen within 0 s"):
        started.run(WAIT).listening_port()


def test_a_program_has_its_settings_and_none_of_the_shell(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WORKERS", "99")
    monkeypatch.setenv("OTHER", "kept")
    program = started.run("print(json.dumps(dict(os.environ)))", LAB_BACKLOG="3")
    assert program.wait(DEADLINE_S) == 0
    environment = json.loads(program.log)
    assert environment["LAB_BACKLOG"] == "3"
    assert environment["OTHER"] == "kept"
    assert "LAB_WORKERS" not in environment


def test_a_ctrl_c_in_the_terminal_does_not_reach_a_program(started: Started) -> None:
    """The terminal signals the process group of the orchestrator."""
    program = started.run(WAIT)
    assert os.getsid(program.pid) == program.pid != os.getsid(0)


def test_the_signal_that_ended_a_program_is_its_exit_code(started: Started) -> None:
    assert started.run(WAIT).terminate(DEADLINE_S) == -signal.SIGTERM
    # a CI job in the background ignores SIGINT, and so does what it starts
    interruptible = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = started.run(
        interruptible, "print('up', flush=True)", "while True: signal.sigtimedwait([], 0.01)"
    )
    assert wait_for(lambda: program.log, DEADLINE_S)
    program.signal(signal.SIGINT)
    assert program.wait(DEADLINE_S) == -signal.SIGINT


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace_period(started: Started) -> None:
    program = started.run("signal.signal(signal.SIGTERM, signal.SIG_IGN)", LISTENING % 1,
                          "while True: signal.pause()")  # fmt: skip
    program.listening_port()
    assert program.terminate(0.01) == -signal.SIGKILL


def test_killing_a_program_kills_what_it_forked(started: Started) -> None:
    program = started.run("child = os.fork()", "if child: print(child, flush=True)", WAIT)
    child = int(wait_for(lambda: program.log.partition("\n")[0], DEADLINE_S))
    program.kill()
    program.kill()  # nothing is left, which is no error
    assert wait_for(lambda: _has_ended(child), DEADLINE_S)


def _has_ended(pid: int) -> bool:
    """Return whether a process has ended; init may not have reaped it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_instant_of_its_end_is_noted_and_its_exit_code_stays_readable(started: Started) -> None:
    program = started.run(WAIT)
    program.note_end()
    assert program.ended_ns is None
    begun_ns = time.monotonic_ns()
    program.signal(signal.SIGKILL)
    assert wait_for(lambda: program.ended_ns, DEADLINE_S)
    assert begun_ns < (program.ended_ns or 0) <= time.monotonic_ns()
    assert program.wait(DEADLINE_S) == -signal.SIGKILL


@pytest.mark.parametrize("port", ["'80'", "None", "10**40", "-1"])
def test_a_port_that_is_none_is_named(started: Started, port: str) -> None:
    line = f"print(json.dumps({{'event': 'listening', 'port': {port}}}), flush=True)"
    with pytest.raises(BackendError, match="the server logged no port in listening: "):
        started.run(line, WAIT).listening_port()
