"""Draws stored results: ``python -m orchestrator.cli.picture results/… percentiles picture.svg``.

The name is ``lanes`` or a chart of the report. The exit code is 2 if the folder holds no results or
the chart cannot be drawn from them. ``make pictures`` uses it for the documentation.
"""

import argparse
import sys
from pathlib import Path

from orchestrator.campaign.restore import restore
from orchestrator.cli.output import say
from orchestrator.report.svg import NoSuchPictureError, picture
from orchestrator.results.archive import Archive, StoredArchive
from orchestrator.results.exit_codes import HOLDS, MISUSED, LabError


def main() -> int:
    """Write the picture that the command line names."""
    parser = argparse.ArgumentParser(prog="pictures", description="Draw stored results as an SVG.")
    parser.add_argument("results", type=Path, help="a results folder")
    parser.add_argument(
        "name", help="lanes, or a chart of the report; an unknown name prints the list"
    )
    parser.add_argument("path", type=Path, help="the SVG file to write")
    arguments = parser.parse_args()
    folder, path = arguments.results, arguments.path
    try:
        Archive(path.parent).write(
            path.name, picture(restore(StoredArchive(folder)), arguments.name)
        )
    except (LabError, NoSuchPictureError) as exc:
        say(f"pictures: {exc}")
        return MISUSED
    return HOLDS


if __name__ == "__main__":
    sys.exit(main())
