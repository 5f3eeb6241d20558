"""Two past runs on one page, as ``orchestrate.py report A B`` writes it; nothing is stored."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.campaign.restore import restore
from orchestrator.report.html import html_report
from orchestrator.results.archive import Archive, Content


class UnwrittenArchive(Archive):
    """The folder of a campaign, into which nothing is written."""

    def folder(self, name: str) -> Path:
        """Return where a folder is, or would be."""
        return self.path / name

    def write(self, name: str, content: Content) -> Path:  # noqa: ARG002 of the base
        """Return where a file would be."""
        return self.path / name


def side_by_side(folders: Sequence[Path]) -> str:
    """Return one page of the runs in ``folders``, and how each differs from the first.

    Raises:
        RestoreError: a folder does not hold complete results of a campaign.
    """
    return html_report(*(restore(UnwrittenArchive(folder)) for folder in folders))
