"""Writes a campaign's results beside its raw files: for programs, for CI, for a person."""

import json

from orchestrator.archive import Archive
from orchestrator.findings import Findings
from orchestrator.openmetrics import openmetrics
from orchestrator.report.html import html_report
from orchestrator.report.junit import junit_xml
from orchestrator.summary import Summary


def summary_json(summary: Summary) -> str:
    """Return what ``summary.json`` holds."""
    return json.dumps(summary.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def publish(findings: Findings, archive: Archive) -> None:
    """Write ``summary.json``, ``junit.xml``, ``metrics.txt`` and ``report.html``.

    Raises:
        ArchiveError: one cannot be written; no partial file stays.
    """
    summary = findings.summary
    archive.write("summary.json", summary_json(summary))
    archive.write("junit.xml", junit_xml(summary))
    archive.write("metrics.txt", openmetrics(summary))
    archive.write("report.html", html_report(summary, findings.environment, findings.excerpts))
