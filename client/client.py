"""The client as a program: ``python client/client.py 3``; see ``--help``."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]  # so that it runs from any folder

from client.cli import main  # noqa: E402 the line above makes it importable

if __name__ == "__main__":
    sys.exit(main())
