"""Runs ``orchestrate.py`` as a user would, and finds what it may have left behind."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance import ROOT

DEADLINE_S = 240.0
MARK = "SERVER_MODELS_LAB_TEST"
LATE = "more than 0.1 s late"


@dataclass(frozen=True)
class Ended:
    """The exit code, output and results of a call of ``orchestrate.py``."""

    code: int
    out: str
    err: str
    results: tuple[Path, ...]

    @property
    def summary(self) -> dict[str, Any]:
        """The ``summary.json`` of the one campaign that ran."""
        (folder,) = self.results
        found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
        return found

    def case(self, name: str) -> dict[str, Any]:
        """Return the summary of one case."""
        (case,) = [each for each in self.summary["cases"] if each["name"] == name]
        found: dict[str, Any] = case
        return found


class Lab:
    """A checkout, a folder for results, and a mark that identifies its processes.

    ``within`` are the words of a command that runs the command after them in another place.
    """

    def __init__(self, checkout: Path, out: Path, within: Sequence[str] = ()) -> None:
        self.checkout = checkout
        self.out = out
        self._within = within
        self._mark = uuid.uuid4().hex

    def orchestrate(self, *arguments: str | Path, deadline_s: float = DEADLINE_S) -> Ended:
        """Run to the end."""
        with self._started(arguments) as process:
            out, err = process.communicate(timeout=deadline_s)
        return self._ended(process, out, err)

    def run(self, *arguments: str | Path) -> Ended:
        """Run a scenario; only the load of the host may make the run invalid.

        A fault that was late is tried once more: the engine may have been busy with other tests.
        """
        ended, doubts = self._run(arguments)
        if doubts and all(LATE in doubt for doubt in doubts):
            shutil.rmtree(ended.results[-1])
            ended, doubts = self._run(arguments)
        assert not doubts, f"{doubts}\n{ended.out}"
        return ended

    def _run(self, arguments: Sequence[str | Path]) -> tuple[Ended, list[str]]:
        """Run a scenario; return why it is invalid, except by the load of the host."""
        ended = self.orchestrate(*arguments, "--accept-invalid", "--out", self.out)
        found = json.loads((ended.results[-1] / "summary.json").read_text())
        doubts = [doubt for case in found["cases"] for doubt in case["invalid"]]
        is_disturbed = any(re.search("host_", doubt) for doubt in doubts)
        ours = "host_|client_bottlenecks" + (f"|{LATE}" if is_disturbed else "")
        return ended, [doubt for doubt in doubts if not re.search(ours, doubt)]

    def interrupt(self, cue: str, signum: signal.Signals, *arguments: str | Path) -> Ended:
        """Run until a line with ``cue`` is printed, then send ``signum``."""
        with self._started(arguments) as process:
            said = _read_to(cue, process)
            process.send_signal(signum)
            out, rest = process.communicate(timeout=DEADLINE_S)
        return self._ended(process, out, said + rest)

    @contextmanager
    def running(self, cue: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
        """Yield a running call that has printed a line with ``cue``; kill it at the end."""
        with self._started(arguments) as process:
            _read_to(cue, process)
            yield process

    def left_processes(self) -> list[str]:
        """Return the command lines of processes started here that still run."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and self._mark.encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
        return found

    @contextmanager
    def _started(self, arguments: tuple[str | Path, ...]) -> Iterator[subprocess.Popen[str]]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("LAB_")}
        process = subprocess.Popen(
            [*self._within, sys.executable, "orchestrate.py", *map(str, arguments)],
            cwd=self.checkout,
            env=clean | {MARK: self._mark, "COLUMNS": "160"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def _ended(self, process: subprocess.Popen[str], out: str, err: str) -> Ended:
        results = tuple(sorted(self.out.iterdir())) if self.out.exists() else ()
        return Ended(process.returncode, out, err, results)


def _read_to(cue: str, process: subprocess.Popen[str]) -> str:
    """Return what ``process`` prints up to the line with ``cue``."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if cue in line:
            break
    return said


def copy_checkout(target: Path) -> Path:
    """Copy the tracked and new files to ``target``, for a test that plants a defect there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    for name in [*names, *([".env"] if (ROOT / ".env").is_file() else [])]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    return target


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Change a file; fail if the change has no effect."""
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)
