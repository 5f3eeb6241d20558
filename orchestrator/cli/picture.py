"""Draws stored results: ``python -m orchestrator.cli.picture results/… percentiles picture.svg``.

The name is ``lanes`` or that of a chart of the report. Exit code 2 where the folder holds no
results, or no such picture can be drawn of them. See ``make pictures``.
"""

import argparse
import sys
from pathlib import Path

from orchestrator.campaign.restore import RestoreError, restore
from orchestrator.report.svg import NoSuchPictureError, picture
from orchestrator.results.archive import Archive, ArchiveError


def main() -> int:
    """Write the picture that the command line asks for."""
    parser = argparse.ArgumentParser(prog="pictures", description="Draw stored results as an SVG.")
    parser.add_argument("results", type=Path, help="folder of a run")
    parser.add_argument("name", help="lanes, or a chart of the report; a wrong one lists them")
    parser.add_argument("path", type=Path, help="the SVG to write")
    asked = parser.parse_args()
    try:
        found = restore(Archive(asked.results))
        Archive(asked.path.parent).write(asked.path.name, picture(found, asked.name))
    except (RestoreError, ArchiveError, NoSuchPictureError) as exc:
        sys.stderr.write(f"pictures: {exc}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
