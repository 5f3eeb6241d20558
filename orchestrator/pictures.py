"""Draws stored results as a picture: ``python -m orchestrator.pictures results/… picture.svg``.

Exit code 2 where the folder holds no results. See ``make pictures``.
"""

import sys
from pathlib import Path

from orchestrator.archive import Archive, ArchiveError
from orchestrator.report.picture import picture
from orchestrator.restore import RestoreError, restore


def main(results: str, path: str) -> int:
    """Write the picture of the campaign in the folder ``results`` to ``path``."""
    try:
        found = restore(Archive(Path(results)))
        Archive(Path(path).parent).write(Path(path).name, picture(found))
    except (RestoreError, ArchiveError) as exc:
        sys.stderr.write(f"pictures: {exc}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
