"""A campaign as JUnit XML, for CI: a testsuite per case, a testcase per expectation.

A failed expectation is a failure. An expectation that is unknown or inconclusive, an invalid case
and a campaign that did not complete are errors, since they do not show that anything holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from orchestrator.report.escape import visible
from orchestrator.report.text import sides, verdict
from orchestrator.results.summary import CaseSummary, Expectation, Outcome, Status, Summary

TAGS = {
    Outcome.FAILED: "failure",
    Outcome.UNKNOWN: "error",
    Outcome.INCONCLUSIVE: "error",
}


@dataclass(frozen=True)
class Test:
    """One testcase; ``tag`` is None if it passed, else ``failure``, ``error`` or ``skipped``."""

    name: str
    tag: str | None
    message: str = ""


@dataclass(frozen=True)
class Suite:
    """A testsuite and its testcases."""

    name: str
    tests: Sequence[Test]


class Results(Protocol):
    """What a document begins with, of a campaign or of a capacity search."""

    @property
    def scenario(self) -> str:
        """The name of the scenario."""

    @property
    def started_at(self) -> str:
        """UTC, ISO 8601."""

    @property
    def duration_s(self) -> float:
        """Of all of it."""


def junit_xml(summary: Summary) -> str:
    """Return the campaign as one XML document."""
    answer = summary.answer
    properties = properties_of(summary.intent, answer.sentences, answer.caveat)
    return document(summary, list(_suites(summary)), properties)


def properties_of(question: str, sentences: Sequence[str], caveat: str) -> dict[str, str]:
    """Return the question, the answer in ``sentences`` and its caveat; none without an answer."""
    if not sentences:
        return {}
    return {"question": question, "answer": " ".join(sentences), "caveat": caveat}


def _suites(summary: Summary) -> Iterator[Suite]:
    for case in summary.cases:
        yield Suite(case.name, list(_tests(case)))
    for comparison in summary.comparisons:
        point = ",".join(f"{axis}={value}" for axis, value in comparison.axes.items())
        yield Suite(f"compare {point}".strip(), list(map(_test, comparison.expectations)))
    if summary.status is not Status.COMPLETE:
        yield Suite("campaign", [Test("every planned case ran", "error", verdict(summary))])


def _tests(case: CaseSummary) -> Iterator[Test]:
    for expectation in case.expectations:
        yield _test(expectation)
    yield Test(
        "valid as a measurement",
        "error" if case.invalid else None,
        "; ".join(visible(reason) for reason in case.invalid),
    )


def _test(expectation: Expectation) -> Test:
    tag = TAGS.get(expectation.outcome)
    return Test(visible(expectation.expression), tag, sides(expectation))


def document(results: Results, suites: Iterable[Suite], properties: Mapping[str, str]) -> str:
    """Return ``suites`` as one XML document; ``properties`` are those of the first testsuite.

    Readers show that one first. A property without a text is left out.
    """
    root = Element("testsuites", name=visible(results.scenario), time=f"{results.duration_s:.3f}")
    for suite in suites:
        _add_suite(root, results, suite)
    _add_properties(root, {name: text for name, text in properties.items() if text})
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _add_properties(root: Element, texts: Mapping[str, str]) -> None:
    if not texts or not len(root):
        return
    properties = Element("properties")
    for name, text in texts.items():
        SubElement(properties, "property", name=name, value=visible(text))
    root[0].insert(0, properties)


def _add_suite(root: Element, results: Results, suite: Suite) -> None:
    tags = [test.tag for test in suite.tests]
    element = SubElement(
        root,
        "testsuite",
        name=visible(suite.name),
        tests=str(len(tags)),
        failures=str(tags.count("failure")),
        errors=str(tags.count("error")),
        timestamp=visible(results.started_at),
    )
    if skipped := tags.count("skipped"):
        element.set("skipped", str(skipped))
    for test in suite.tests:
        classname = f"{visible(results.scenario)}.{visible(suite.name)}"
        testcase = SubElement(element, "testcase", classname=classname, name=test.name)
        if test.tag:
            SubElement(testcase, test.tag, message=test.message).text = test.message
