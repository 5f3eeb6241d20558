"""A reproduction as JUnit XML, for CI: a testsuite for each file, a testcase for each claim.

A verdict that contradicts what is known is a failure, an undecided one an error. A file that is not
complete has a testcase that says so, an error.
"""

from collections.abc import Iterator

from orchestrator.report.escape import visible
from orchestrator.report.junit import Suite, Test, document, properties_of
from orchestrator.report.reproduction.text import QUESTION, answer, file_text, verdict
from orchestrator.results.reproduction import ClaimResult, FileResult, Reproduction, Standing
from orchestrator.results.summary import Status

TAGS = {Standing.CONTRADICTS: "failure", Standing.UNDECIDED: "error"}


def junit_xml(reproduction: Reproduction) -> str:
    """Return the reproduction as one XML document."""
    suites = [Suite(file.name, list(_tests(file))) for file in reproduction.files]
    if reproduction.status is not Status.COMPLETE:
        test = Test("every planned file was tried", "error", verdict(reproduction))
        suites.append(Suite("reproduction", [test]))
    return document(reproduction, suites, properties_of(QUESTION, answer(reproduction), ""))


def _tests(file: FileResult) -> Iterator[Test]:
    yield from map(_test, file.claims)
    if file.status is not Status.COMPLETE:
        yield Test("its runs and results are complete", "error", file_text(file))


def _test(claim: ClaimResult) -> Test:
    message = visible(f"{claim.verdict}, known is {claim.known}; {claim.reason}")
    return Test(visible(claim.says), TAGS.get(claim.standing), message)
