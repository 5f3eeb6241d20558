#!/usr/bin/env python3
"""Run a scenario: ``python orchestrate.py scenarios/quickstart.yaml``; see ``--help``."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 whoever has an older one reads this
    sys.stderr.write("orchestrate.py: needs Python 3.11 or newer\n")
    sys.exit(3)

try:
    from orchestrator.cli.main import main
except KeyboardInterrupt:
    sys.exit(130)
except ModuleNotFoundError as exc:
    sys.stderr.write(
        f"orchestrate.py: the package {exc.name} is not installed; make venv installs all into "
        ".venv, then run: .venv/bin/python orchestrate.py\n"
    )
    sys.exit(3)

if __name__ == "__main__":
    sys.exit(main())
