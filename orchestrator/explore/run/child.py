"""Runs a program of Python that gets SIGTERM when the process that started it ends or is killed.

``python -m orchestrator.explore.run.child PID WORD...``: PID is the process that starts it, and the
words are those of the program. What the program leaves when it is interrupted is its own matter.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from labkit.server.supervisor import end_with_parent


def main(words: Sequence[str]) -> NoReturn:
    """Become the program; the signal stays requested, see execve(2) and prctl(2)."""
    end_with_parent(int(words[0]))
    os.execv(sys.executable, [sys.executable, *words[1:]])  # noqa: S606 our own program


if __name__ == "__main__":
    main(sys.argv[1:])
