"""A reproduction as JUnit XML, for CI: a testsuite for each file, a testcase for each claim.

A verdict that contradicts what is known is a failure, an undecided one an error.
"""

from orchestrator.report.escape import visible
from orchestrator.report.junit import Suite, Test, document, properties_of
from orchestrator.report.reproduction.text import QUESTION, answer, verdict
from orchestrator.results.reproduction import ClaimResult, Reproduction, Standing
from orchestrator.results.summary import Status

TAGS = {Standing.CONTRADICTS: "failure", Standing.UNDECIDED: "error"}


def junit_xml(reproduction: Reproduction) -> str:
    """Return the reproduction as one XML document."""
    suites = [
        Suite(file.name, [_test(each) for each in file.claims]) for file in reproduction.files
    ]
    if reproduction.status is not Status.COMPLETE:
        test = Test("every planned file was tried", "error", verdict(reproduction))
        suites.append(Suite("reproduction", [test]))
    return document(reproduction, suites, properties_of(QUESTION, answer(reproduction), ""))


def _test(claim: ClaimResult) -> Test:
    message = visible(f"{claim.verdict}, known is {claim.known}; {claim.reason}")
    return Test(visible(claim.says), TAGS.get(claim.standing), message)
