"""Starts ``orchestrate.py run`` as a child, finds the folder of its results, and ends it."""

import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from orchestrator.campaign.campaign import CAMPAIGN_ID, new_campaign_id
from orchestrator.execution.background import in_background
from orchestrator.execution.fault_requests import FAULT_SOCKET, FaultAsker
from orchestrator.results.fault_log import FORESTALLED
from orchestrator.scenario.models import ROOT

NOT_INHERITED = "PYTHONSAFEPATH"
"""It keeps ``python -m`` from finding the program in its folder."""

CONTAINERS = "backend: docker"
STEP = re.compile(r"\[[0-9]+/[0-9]+\] .*: (starting|under load|stopping)")
UNDER_LOAD = "under load"
KEPT_LINES = 12
MESSAGE = "orchestrate.py: "
NOT_BEGUN = "the run has not begun"
STOP_DEADLINE_S = 60.0
"""A stopped run removes its containers and stores what it has."""


class Printed:
    """What a run has printed about its progress.

    ``is_in_containers`` is known after the first line, ``is_under_load`` is whether the last step
    is that, and ``forestalled`` has the lines about faults by hand that did not take place.
    """

    def __init__(self) -> None:
        self.is_in_containers = False
        self.is_under_load = False
        self.forestalled: list[str] = []
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)

    @property
    def lines(self) -> list[str]:
        """The last lines."""
        return list(self._lines)

    def add(self, line: str) -> None:
        """Take the next line, without its end."""
        if line.startswith(CONTAINERS):
            self.is_in_containers = True
        if step := STEP.fullmatch(line):
            self.is_under_load = step[1] == UNDER_LOAD
        if line.endswith(FORESTALLED):
            self.forestalled.append(line)
        self._lines.append(line)


class Child:
    """A run of the scenario ``text``, called ``name``, whose results are in the folder ``out``.

    Create it in a thread that lasts until the run has ended: the child is stopped when that thread
    ends, as it is when this process is killed.
    """

    def __init__(self, name: str, text: str, backend: str, out: Path) -> None:
        self._out = out
        self.campaign_id = new_campaign_id()
        self._asker = FaultAsker()
        words = [name, "--backend", backend, "--out", str(out.absolute()), "--accept-invalid"]
        self._process = subprocess.Popen(  # noqa: S603 our own program
            [
                *(sys.executable, "-m", "orchestrator.explore.run.child", str(os.getpid())),
                *words,
            ],
            cwd=ROOT,
            env={
                **_environment(os.environ),
                CAMPAIGN_ID: self.campaign_id,
                FAULT_SOCKET: str(self._asker.run_end),
            },
            pass_fds=[self._asker.run_end],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is for this process
        )
        self._asker.started()
        assert self._process.stdin is not None  # noqa: S101 it is a pipe
        with suppress(BrokenPipeError), self._process.stdin as scenario:
            scenario.write(text.encode())
        self.printed = Printed()
        self._reading: Future[None] = in_background(self._read)
        self.folder: Path | None = None

    def _read(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 it is a pipe
        with self._process.stderr as errors:
            for line in errors:
                self.printed.add(line.decode(errors="replace").rstrip("\n"))

    @property
    def error(self) -> str:
        """Why it ended without results: its last message, which may have several lines."""
        lines = self.printed.lines
        begun = [number for number, line in enumerate(lines) if line.startswith(MESSAGE)]
        return "\n".join(lines[(begun or [-1])[-1] :]).removeprefix(MESSAGE)

    def has_ended_within(self, timeout_s: float) -> bool:
        """Wait for the end, and return whether it came; look for the folder of the results."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._find_folder()
            return False
        self._reading.result()
        self._find_folder()
        return True

    def _find_folder(self) -> None:
        if self.folder is None:
            self.folder = next(self._out.glob(f"*-{self.campaign_id}"), None)

    def ask_for_fault(self, fault: str, lasts: str | None) -> str:
        """Ask for a fault now; return why it is refused or failed, empty if it is not."""
        if self.folder is None:
            return NOT_BEGUN
        return self._asker.ask(fault, lasts)

    def ask_to_stop(self) -> None:
        """Interrupt the run for the user, and let it store what it has; return at once."""
        self._process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """End the run if it has not ended, and wait for its end; kill it if that is late."""
        self._process.terminate()
        try:
            self._process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._asker.close()


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in own.items() if name != NOT_INHERITED}
