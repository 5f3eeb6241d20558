"""Runs the scenario on its standard input; gets SIGTERM when the process that started it ends.

SIGINT is *Stop* on the page; the results say which of the two it was.

``python -m orchestrator.explore.run.child PID NAME WORD...``: PID is the process that starts it,
NAME that of the scenario, and the words follow ``orchestrate.py run SCENARIO``. The scenario is in
a file until the run has ended; the file is removed however the starting process ends.
"""

import runpy
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from labkit.server.supervisor import end_with_parent
from orchestrator.execution import interrupts
from orchestrator.scenario.models import ROOT

PROGRAM = ROOT / "orchestrate.py"
CAUSES = {
    signal.SIGINT: "you stopped it on the page",
    signal.SIGTERM: "explore ended, and its run with it",
}


def main(words: Sequence[str]) -> None:
    """Become the program; it ends with `SystemExit`, as for a shell."""
    pid, name, *rest = words
    end_with_parent(int(pid))
    for number, cause in CAUSES.items():
        signal.signal(number, _leave)  # until the program has handlers of its own
        interrupts.set_cause(number, cause)
    with TemporaryDirectory(prefix="explore-") as folder:
        scenario = Path(folder) / f"{name}.yaml"
        scenario.write_bytes(sys.stdin.buffer.read())
        sys.argv = [str(PROGRAM), "run", str(scenario), *rest]
        runpy.run_path(str(PROGRAM), run_name="__main__")


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main(sys.argv[1:])
