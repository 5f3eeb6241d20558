"""Writes results next to their raw files, for programs, for CI, and for a person.

Those of a campaign, of a capacity search, or of a reproduction of claims.

``metrics.txt`` is OpenMetrics text, for Prometheus: a gauge for each measure, named as in
``summary.json`` with the prefix ``lab_``, and a sample for each case, the median of its repeats.
Labels are the scenario, model, case, client group or view, and matrix values.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from orchestrator.campaign.summarise import Findings
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.views import VIEWS
from orchestrator.report.capacity.junit import junit_xml as capacity_junit_xml
from orchestrator.report.capacity.page import capacity_page
from orchestrator.report.html import html_report
from orchestrator.report.junit import junit_xml
from orchestrator.report.reproduction.github import claims_table
from orchestrator.report.reproduction.junit import junit_xml as reproduction_junit_xml
from orchestrator.report.reproduction.page import reproduction_page
from orchestrator.results.archive import Archive
from orchestrator.results.capacity import CAPACITY, Capacity
from orchestrator.results.reproduction import REPRODUCTION, Reproduction
from orchestrator.results.strict_json import to_json
from orchestrator.results.summary import CaseSummary, Summary

AXIS = "axis_"
"""The prefix of a matrix value's label, so that it differs from all other labels."""

Labels = dict[str, str]


def publish(findings: Findings, archive: Archive) -> None:
    """Write ``summary.json``, ``junit.xml``, ``metrics.txt`` and ``report.html``.

    Raises:
        ArchiveError: a file cannot be written; no partial file stays.
    """
    summary = findings.summary
    archive.write("summary.json", summary_json(summary))
    archive.write("junit.xml", junit_xml(summary))
    archive.write("metrics.txt", openmetrics(summary))
    archive.write("report.html", html_report(findings))


def publish_capacity(capacity: Capacity, archive: Archive) -> None:
    """Write ``capacity.json``, ``junit.xml`` and ``report.html`` of a capacity search.

    The page shows the ``scenario.yaml`` that is in the folder, if it is there.

    Raises:
        ArchiveError: a file cannot be written; no partial file stays.
    """
    archive.write(CAPACITY, capacity_json(capacity))
    archive.write("junit.xml", capacity_junit_xml(capacity))
    archive.write("report.html", page_of(capacity, archive.path))


def page_of(capacity: Capacity, folder: Path) -> str:
    """Return the page of a capacity search whose results are in ``folder``."""
    scenario = ""
    with contextlib.suppress(OSError, ValueError):
        scenario = (folder / "scenario.yaml").read_text(encoding="utf-8")
    return capacity_page(capacity, scenario, folder.name)


def capacity_json(capacity: Capacity) -> str:
    """Return the content of ``capacity.json``."""
    return to_json(capacity.model_dump(mode="json"), indent=2) + "\n"


def publish_reproduction(reproduction: Reproduction, archive: Archive) -> None:
    """Write ``reproduction.json``, ``junit.xml``, ``claims.md`` and ``report.html``.

    Raises:
        ArchiveError: a file cannot be written; no partial file stays.
    """
    archive.write(REPRODUCTION, reproduction_json(reproduction))
    archive.write("junit.xml", reproduction_junit_xml(reproduction))
    archive.write("claims.md", claims_table(reproduction))
    archive.write("report.html", reproduction_page(reproduction))


def reproduction_json(reproduction: Reproduction) -> str:
    """Return the content of ``reproduction.json``."""
    return to_json(reproduction.model_dump(mode="json"), indent=2) + "\n"


def publish_together(campaigns: Sequence[Findings], path: Path) -> Path:
    """Write one page with several campaigns side by side; return its path.

    Raises:
        ArchiveError: it cannot be written; no partial file stays.
    """
    return Archive(path.parent).write(path.name, html_report(*campaigns))


def summary_json(summary: Summary) -> str:
    """Return the content of ``summary.json``."""
    return to_json(summary.model_dump(mode="json"), indent=2) + "\n"


def openmetrics(summary: Summary) -> str:
    """Return every measure that has a value, in the text format of OpenMetrics 1.0."""
    registry = CollectorRegistry()
    registry.register(_Measures(summary))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # has no types
    return text.decode()


class _Measures(Collector):
    def __init__(self, summary: Summary) -> None:
        self._summary = summary

    def collect(self) -> Iterator[GaugeMetricFamily]:
        samples: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
        for case in self._summary.cases:
            for labels, measures in _labels_and_measures(case, self._summary.scenario):
                for key, value in measures.items():
                    if value is not None:
                        samples[key].append((labels, value))
        for measure in MEASURES.values():
            if measure.key in samples:
                yield _family(measure.key, measure.meaning, samples[measure.key])


def _labels_and_measures(
    case: CaseSummary, scenario: str
) -> Iterator[tuple[Labels, Mapping[str, float | None]]]:
    """Yield the measures of a case, then those of each of its client groups and views."""
    axes = {f"{AXIS}{axis.replace('.', '_')}": str(value) for axis, value in case.axes.items()}
    labels = {"scenario": scenario, "model": case.model, "case": case.name, **axes}
    yield {**labels, "group": "", "view": ""}, case.measures
    for name, measures in case.groups.items():
        kind, other = ("view", "group") if name in VIEWS else ("group", "view")
        yield {**labels, kind: name, other: ""}, measures


def _family(key: str, meaning: str, samples: list[tuple[Labels, float]]) -> GaugeMetricFamily:
    names = list(dict.fromkeys(name for labels, _ in samples for name in labels))
    family = GaugeMetricFamily(f"lab_{key}", meaning, labels=names)
    for labels, value in samples:
        family.add_metric([labels.get(name, "") for name in names], value)
    return family
