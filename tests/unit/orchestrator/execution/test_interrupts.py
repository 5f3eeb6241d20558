"""Signals are sent to a separate process, since the handlers stay installed."""

import subprocess
import sys

import pytest

from conformance import ROOT

PROLOGUE = """
import os, signal
from orchestrator.execution import interrupts
{inherited}
interrupts.install()
done = []
def send(signum=signal.SIGINT):
    os.kill(os.getpid(), signum)
"""


def said_by(program: str, inherited: str = "") -> str:
    """Return what ``program`` prints after the handlers were installed over ``inherited``."""
    ended = subprocess.run(
        [sys.executable, "-c", PROLOGUE.format(inherited=inherited) + program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return ended.stdout.strip()


def test_a_signal_interrupts_once_and_never_the_clean_up() -> None:
    program = """
try:
    send(signal.SIGTERM)
except KeyboardInterrupt:
    send()
    send()
    print("cleaned up after", interrupts.signal_name())
"""
    assert said_by(program) == "cleaned up after SIGTERM"


def test_what_is_held_is_finished_first() -> None:
    program = """
try:
    with interrupts.held():
        with interrupts.held():
            send()
        done.append("finished")
    done.append("beyond")
except KeyboardInterrupt:
    print(*done, interrupts.is_interrupted())
"""
    assert said_by(program) == "finished True"


def test_a_held_section_may_let_it_in_where_it_is_caught() -> None:
    program = """
with interrupts.held():
    send()
    try:
        with interrupts.released():
            done.append("never")
    except KeyboardInterrupt:
        done.append("caught")
    print(*done)
"""
    assert said_by(program) == "caught"


def test_under_nohup_a_hang_up_stays_ignored() -> None:
    program = """
signal.signal(signal.SIGHUP, signal.SIG_IGN)
interrupts.install()
send(signal.SIGHUP)
print("still here")
"""
    assert said_by(program) == "still here"


def test_the_exit_code_of_a_child_is_seen_although_sigchld_was_ignored() -> None:
    program = """
import subprocess
print(subprocess.run(["false"]).returncode)
"""
    assert said_by(program, "signal.signal(signal.SIGCHLD, signal.SIG_IGN)") == "1"


@pytest.mark.parametrize(
    "inherited",
    [
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})",
    ],
)
def test_a_signal_interrupts_although_it_was_ignored_or_blocked(inherited: str) -> None:
    program = """
try:
    send(signal.SIGTERM)
except KeyboardInterrupt:
    print("interrupted by", interrupts.signal_name())
"""
    assert said_by(program, inherited) == "interrupted by SIGTERM"


def test_under_nohup_a_hangup_stays_ignored() -> None:
    program = """
send(signal.SIGHUP)
print("runs on")
"""
    assert said_by(program, "signal.signal(signal.SIGHUP, signal.SIG_IGN)") == "runs on"


def test_what_a_thread_held_interrupts_the_main_thread() -> None:
    """The thread that reverts faults must not die of a signal that it deferred."""
    program = """
import threading
sent, ended = threading.Event(), []
def work():
    with interrupts.held():
        sent.wait()
    ended.append("the thread went on")
thread = threading.Thread(target=work)
thread.start()
try:
    while not interrupts._interrupts.holding:
        pass
    send()
    sent.set()
    thread.join()
    threading.Event().wait(20)
except KeyboardInterrupt:
    thread.join()
    print(*ended, "and the main thread was interrupted")
"""
    assert said_by(program) == "the thread went on and the main thread was interrupted"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_each_signal_that_ends_a_program_is_an_interrupt(name: str) -> None:
    program = f"""
try:
    send(signal.{name})
except KeyboardInterrupt:
    print("interrupted by", interrupts.signal_name())
"""
    assert said_by(program) == f"interrupted by {name}"


def test_a_signal_after_the_end_changes_nothing() -> None:
    """The exit code is decided by then, and so is the summary."""
    program = """
with interrupts.held():
    print(interrupts.finish(), end=" ")
    send()
print(interrupts.is_interrupted())
"""
    assert said_by(program) == "False False"


def test_a_signal_before_the_end_is_in_the_result() -> None:
    program = """
try:
    with interrupts.held():
        send()
        print(interrupts.finish())
except KeyboardInterrupt:
    print("raised at the end of the section")
"""
    assert said_by(program).split("\n") == ["True", "raised at the end of the section"]


@pytest.mark.parametrize(
    ("signum", "cause"), [(2, "you stopped it"), (15, "interrupted by SIGTERM")]
)
def test_a_signal_may_have_a_cause_of_its_own(signum: int, cause: str) -> None:
    program = f"""
interrupts.set_cause(signal.SIGINT, "you stopped it")
try:
    send({signum})
except KeyboardInterrupt:
    print(interrupts.cause())
"""
    assert said_by(program) == cause
