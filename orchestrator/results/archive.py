"""The results folder of one campaign: ``results/<scenario>-<UTC time>-<id>/``.

Every file appears whole or not at all; what a broken or interrupted campaign wrote stays.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.results.exit_codes import LabError


SERVER_LOG = "server.log"
CLIENTS = "clients.json"
CASE = "case.json"
KERNEL = "kernel.ndjson"
TRACE = "trace.json.gz"


class ArchiveError(LabError):
    """The results cannot be written; the message says where and why."""

    @classmethod
    def of(cls, path: Path, error: OSError) -> "ArchiveError":
        """Return what to tell a person of ``error``, met while writing ``path``."""
        return cls(f"cannot write {path}: {error.strerror}; choose another place with --out")


class Archive:
    """Writes into one campaign's folder, and nowhere else."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, out: Path, scenario: str, campaign_id: str) -> "Archive":
        """Make the campaign's folder under ``out``.

        Raises:
            ArchiveError: it cannot be made.
        """
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        archive = cls(out / f"{scenario}-{now}-{campaign_id}")
        archive.raw_folder("")
        return archive

    def raw_folder(self, slug: str) -> Path:
        """Return the folder for a case's logs and tables as they came, made where it is missing."""
        return self.folder(f"raw/{slug}")

    def folder(self, name: str) -> Path:
        """Return a folder of the results, made where it is missing.

        Raises:
            ArchiveError: it cannot be made.
        """
        folder = self.path / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ArchiveError.of(folder, exc) from exc
        return folder

    def write(self, name: str, content: str | bytes) -> Path:
        """Write one file, atomically.

        Raises:
            ArchiveError: the disk is full or the folder not writable; no partial file stays.
        """
        path = self.path / name
        partial = path.with_name(path.name + ".partial")
        try:
            partial.write_bytes(content.encode() if isinstance(content, str) else content)
            os.replace(partial, path)  # noqa: PTH105 the atomic one
        except OSError as exc:
            partial.unlink(missing_ok=True)
            raise ArchiveError.of(path, exc) from exc
        return path

    def write_json(self, name: str, value: Mapping[str, object]) -> Path:
        """Write ``value`` as indented JSON."""
        return self.write(name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
