#!/usr/bin/env python3
"""Run a scenario: ``python orchestrate.py scenarios/quickstart.yaml``; see ``--help``."""

import os
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 whoever has an older one reads this
    sys.stderr.write("orchestrate.py: needs Python 3.11 or newer\n")
    sys.exit(3)

# Python leaves the folder of this file out if PYTHONSAFEPATH is set, or with -P or -I.
sys.path.insert(0, str(Path(__file__).resolve().parent))

# The analysis needs no threads of numpy's, and each would reserve memory: see ulimit -v.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    from orchestrator.cli.main import program
except KeyboardInterrupt:
    sys.exit(130)
except ModuleNotFoundError as exc:
    sys.stderr.write(
        f"orchestrate.py: the package {exc.name} is not installed; make venv installs all into "
        ".venv, then run: .venv/bin/python orchestrate.py\n"
    )
    sys.exit(3)
except Exception as exc:  # such as a lack of memory or file descriptors
    sys.stderr.write(f"orchestrate.py: cannot be loaded: {type(exc).__name__}: {exc}\n")
    sys.exit(3)

if __name__ == "__main__":
    sys.exit(program())
