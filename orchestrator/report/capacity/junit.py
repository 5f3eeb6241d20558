"""A capacity search as JUnit XML, for CI: a testcase for each case.

With a load asked about, the test is whether the case bears it: a failure if it does not, an error
if that is undecided. If one case that holds is enough, that is the one test, and the others are
skipped. Without a load, the test is whether bounds were found that are as close as asked.
"""

from collections.abc import Iterator

from orchestrator.capacity.answer import caveat_of
from orchestrator.capacity.figures import at_text
from orchestrator.report.capacity.github import shortfall
from orchestrator.report.capacity.text import question, remark, verdict
from orchestrator.report.escape import visible
from orchestrator.report.junit import Suite, Test, document, properties_of
from orchestrator.results.capacity import Capacity, CaseCapacity, Verdict
from orchestrator.results.summary import Status

TAGS = {Verdict.HOLDS: None, Verdict.FAILS: "failure", Verdict.UNDECIDED: "error"}


def junit_xml(capacity: Capacity) -> str:
    """Return the search as one XML document."""
    properties = properties_of(question(capacity), capacity.answer, caveat_of(capacity))
    return document(capacity, list(_suites(capacity)), properties)


def _suites(capacity: Capacity) -> Iterator[Suite]:
    if capacity.at is None:
        yield Suite("capacity", [_bounds_test(case) for case in capacity.cases])
    else:
        yield Suite(f"capacity at {at_text(capacity)}", list(_tests(capacity)))
    if capacity.status is not Status.COMPLETE:
        yield Suite("search", [Test("every planned case ended", "error", verdict(capacity))])


def _bounds_test(case: CaseCapacity) -> Test:
    return Test(visible(case.name), "error" if remark(case) else None, remark(case))


def _tests(capacity: Capacity) -> Iterator[Test]:
    tests = [_test(case, capacity) for case in capacity.cases]
    if not capacity.is_any_enough:
        yield from tests
        return
    tags = [test.tag for test in tests]
    tag = "error" if "error" in tags else "failure"
    is_met = None in tags
    yield Test("one case holds", None if is_met else tag, "" if is_met else verdict(capacity))
    yield from (Test(t.name, "skipped", t.message) if t.tag else t for t in tests)


def _test(case: CaseCapacity, capacity: Capacity) -> Test:
    tag = "error" if case.at is None else TAGS[case.at]
    message = f"undecided at {at_text(capacity)}" if tag else ""
    message = shortfall(case, capacity) if case.at is Verdict.FAILS else message
    message = remark(case) or "it was not tried" if case.at is None else message
    return Test(visible(case.name), tag, message)
