"""A reproduction as JUnit XML."""

from xml.etree import ElementTree as ET

from orchestrator.report.reproduction.junit import junit_xml
from orchestrator.results.summary import Status
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import (
    CONTRARY,
    NEW,
    OPEN,
    broken_off,
    claim,
    reproduction,
)


def test_a_contradiction_is_a_failure_and_an_undecided_claim_an_error() -> None:
    root = ET.fromstring(junit_xml(reproduction(claim(), CONTRARY, OPEN, NEW)))  # noqa: S314 our own
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "1")
    failed = root.find(".//failure")
    assert failed is not None
    assert failed.get("message", "").startswith("inverted, known is reproduced")


def test_one_that_was_interrupted_is_an_error() -> None:
    root = ET.fromstring(junit_xml(reproduction(status=Status.INTERRUPTED)))  # noqa: S314 our own
    assert root.get("errors") == "1"


def test_a_file_that_broke_off_is_an_error() -> None:
    root = ET.fromstring(junit_xml(broken_off()))  # noqa: S314 our own
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "0", "1")
    (error,) = root.iterfind(".//error")
    assert error.get("message") == "nobody: broken: the engine left"
