"""What strangers do to a server in the middle of a run makes it invalid, and is named."""

import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.execution.program_log import wait_for
from tests.e2e.lab_fixtures import Lab

FAILS, INVALID = 1, 4  # a server that ended badly fails even in an invalid run
DEADLINE_S = 20.0

Deed = Callable[[dict[str, Any]], contextlib.AbstractContextManager[None]]

LOADED = """\
intent: Does anybody notice what a stranger does?
models: [epoll]
clients: [{executor: closed, users: 2, messages: 60, demand: sleep=20ms}]
"""


@contextlib.contextmanager
def connected(listening: dict[str, Any]) -> Iterator[None]:
    """Hold two silent connections."""
    address = "127.0.0.1", listening["port"]
    with socket.create_connection(address), socket.create_connection(address):
        yield


@contextlib.contextmanager
def signalled(listening: dict[str, Any], signum: signal.Signals) -> Iterator[None]:
    """Send the server a signal."""
    os.kill(listening["pid"], signum)
    yield


def listening_in(folder: Path) -> dict[str, Any] | None:
    """Return the event of the one server whose log is below ``folder``."""
    for log in folder.glob("*/raw/*/server.log"):
        for line in log.read_text().splitlines():
            if '"event":"listening"' in line:
                found: dict[str, Any] = json.loads(line)
                return found
    return None


@pytest.mark.parametrize(
    ("deed", "doubt", "code"),
    [
        (connected, "2 connections reached the server that no client of this run opened", INVALID),
        (
            lambda event: signalled(event, signal.SIGTERM),
            "the server began to drain on 'SIGTERM'",
            INVALID,
        ),
        (
            lambda event: signalled(event, signal.SIGKILL),
            "no fault asked for that, nor did the lab",
            FAILS,
        ),
    ],
    ids=["stranger", "SIGTERM", "SIGKILL"],
)
def test_a_deed_of_a_stranger_is_a_doubt(
    lab: Lab, tmp_path: Path, deed: Deed, doubt: str, code: int
) -> None:
    scenario = tmp_path / "loaded.yaml"
    scenario.write_text(LOADED)
    arguments = ("run", scenario, "--backend", "process", "--out", lab.out)
    with lab.running("under load", *arguments) as process:
        listening = wait_for(lambda: listening_in(lab.out), DEADLINE_S)
        assert listening is not None
        with deed(listening):
            process.communicate(timeout=60)
    assert process.returncode == code
    (folder,) = lab.out.iterdir()
    (case,) = json.loads((folder / "summary.json").read_text())["cases"]
    assert any(doubt in reason for reason in case["invalid"]), case["invalid"]
