"""A campaign as JUnit XML, for CI: a testsuite per case, a testcase per expectation.

A failed expectation is a failure. An expectation that is unknown or inconclusive, an invalid case
and a campaign that did not complete are errors, since they do not show that anything holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
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
class _Test:
    """One testcase; ``tag`` is None if it passed, else ``failure`` or ``error``."""

    name: str
    tag: str | None
    message: str = ""


def junit_xml(summary: Summary) -> str:
    """Return the campaign as one XML document."""
    root = Element("testsuites", name=visible(summary.scenario), time=f"{summary.duration_s:.3f}")
    for case in summary.cases:
        _add_suite(root, summary, case.name, list(_tests(case)))
    for comparison in summary.comparisons:
        point = ",".join(f"{axis}={value}" for axis, value in comparison.axes.items())
        tests = list(map(_test, comparison.expectations))
        _add_suite(root, summary, f"compare {point}".strip(), tests)
    if summary.status is not Status.COMPLETE:
        incomplete = _Test("every planned case ran", "error", verdict(summary))
        _add_suite(root, summary, "campaign", [incomplete])
    _add_properties(root, summary)
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _add_properties(root: Element, summary: Summary) -> None:
    """Add the question and its answer to the first testsuite, which readers show first."""
    answered = summary.answer
    if not answered.sentences or not len(root):
        return
    properties = Element("properties")
    for name, text in (
        ("question", summary.intent),
        ("answer", " ".join(answered.sentences)),
        ("caveat", answered.caveat),
    ):
        if text:
            SubElement(properties, "property", name=name, value=visible(text))
    root[0].insert(0, properties)


def _tests(case: CaseSummary) -> Iterator[_Test]:
    for expectation in case.expectations:
        yield _test(expectation)
    yield _Test(
        "valid as a measurement",
        "error" if case.invalid else None,
        "; ".join(visible(reason) for reason in case.invalid),
    )


def _test(expectation: Expectation) -> _Test:
    tag = TAGS.get(expectation.outcome)
    return _Test(visible(expectation.expression), tag, sides(expectation))


def _add_suite(root: Element, summary: Summary, name: str, tests: list[_Test]) -> None:
    tags = [test.tag for test in tests]
    suite = SubElement(
        root,
        "testsuite",
        name=visible(name),
        tests=str(len(tests)),
        failures=str(tags.count("failure")),
        errors=str(tags.count("error")),
        timestamp=visible(summary.started_at),
    )
    for test in tests:
        classname = f"{visible(summary.scenario)}.{visible(name)}"
        testcase = SubElement(suite, "testcase", classname=classname, name=test.name)
        if test.tag:
            SubElement(testcase, test.tag, message=test.message).text = test.message
