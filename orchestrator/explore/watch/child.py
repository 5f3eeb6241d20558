"""Becomes a server of the lab; gets SIGTERM when the process that started it ends.

``python -m orchestrator.explore.watch.child PID MODEL PORT``: PID is the process that starts it.
Its settings, the port as well, are those of its environment, as of ``python -m
services.MODEL.server``.
"""

import runpy
import sys
from collections.abc import Sequence

from labkit.server.supervisor import end_with_parent


def main(words: Sequence[str]) -> None:
    """Become the server; it ends with `SystemExit`, as for a shell."""
    pid, model, _ = words
    end_with_parent(int(pid))
    name = f"services.{model}.server"
    sys.argv = [name]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
