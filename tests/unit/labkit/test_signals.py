import json
import signal
import subprocess
import sys

import pytest

SHOW = """
import json, os, signal, sys
%s
sys.path.insert(0, os.getcwd())
from labkit.signals import set_signals
set_signals({signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler})
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
children = os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", "raise SystemExit(7)"])
print(json.dumps([int(status["SigBlk"], 16), int(status["SigIgn"], 16), children]))
"""
IGNORED = "for each in (%s): signal.signal(each, signal.SIG_IGN)"
BLOCKED = "signal.pthread_sigmask(signal.SIG_BLOCK, (%s))"


@pytest.mark.parametrize(
    "inherited",
    [
        "",
        IGNORED % "signal.SIGTERM, signal.SIGINT, signal.SIGCHLD",
        BLOCKED % "*signal.valid_signals(),",
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)",
    ],
)
def test_signals_are_the_same_whatever_was_inherited(inherited: str) -> None:
    blocked, ignored, exit_code = _state(inherited)
    assert blocked == 0
    assert not _holds(ignored, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
    assert _holds(ignored, signal.SIGPIPE)
    assert exit_code == 7


@pytest.mark.parametrize("is_ignored", [False, True])
def test_a_hangup_is_ignored_only_if_it_was_before(is_ignored: bool) -> None:
    _, ignored, _ = _state(IGNORED % "signal.SIGHUP," if is_ignored else "")
    assert _holds(ignored, signal.SIGHUP) == is_ignored


def test_a_signal_that_waits_meets_the_handler() -> None:
    """It was sent while the mask that is inherited blocked it."""
    waiting = f"{BLOCKED % 'signal.SIGINT,'}; os.kill(os.getpid(), signal.SIGINT)"
    shown = subprocess.run(
        [sys.executable, "-c", SHOW % waiting], capture_output=True, text=True, check=False
    )
    assert "KeyboardInterrupt" in shown.stderr


def _state(inherited: str) -> tuple[int, int, int]:
    """Return the mask, the ignored signals and a child's exit code, seen in a new process."""
    command = [sys.executable, "-c", SHOW % inherited]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    blocked, ignored, exit_code = json.loads(shown.stdout)
    return blocked, ignored, exit_code


def _holds(mask: int, *signums: signal.Signals) -> bool:
    return any(mask >> (signum - 1) & 1 for signum in signums)
