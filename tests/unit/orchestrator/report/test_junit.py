from xml.etree.ElementTree import Element, fromstring

from orchestrator.report.junit import junit_xml
from orchestrator.results.summary import Answer, Status, Summary
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    HOSTILE,
    PASSED,
    UNKNOWN,
    case,
    summary,
)


def parsed(campaign: Summary) -> Element:
    return fromstring(junit_xml(campaign).encode())  # noqa: S314 - our own text


def outcomes(suite: Element) -> dict[str | None, str]:
    """Return each testcase's child element by the testcase's name, ``passed`` where none."""
    return {test.get("name"): test[0].tag if len(test) else "passed" for test in suite}


def test_a_suite_for_each_case_and_a_test_for_each_expectation() -> None:
    root = parsed(summary(case("single", expectations=[PASSED, FAILED, UNKNOWN]), case("epoll")))
    single, epoll = root
    assert outcomes(single) == {
        PASSED.expression: "passed",
        FAILED.expression: "failure",
        UNKNOWN.expression: "error",
        "valid as a measurement": "passed",
    }
    assert outcomes(epoll) == {PASSED.expression: "passed", "valid as a measurement": "passed"}
    counts = [
        [each.get(name) for name in ("tests", "failures", "errors")] for each in (single, root)
    ]
    assert counts == [["4", "1", "1"], ["6", "1", "1"]]


def test_a_failure_shows_both_sides() -> None:
    failure = parsed(summary(case(expectations=[FAILED]))).find(".//failure")
    assert failure is not None
    assert failure.get("message") == failure.text == "2.513 s vs 1.000 s"


def test_an_invalid_case_is_an_error_with_every_reason() -> None:
    error = parsed(summary(case(invalid=["log incomplete", "host busy"]))).find(".//error")
    assert error is not None
    assert error.text == "log incomplete; host busy"


def test_a_campaign_cut_short_is_an_error_even_without_cases() -> None:
    for status in (Status.INTERRUPTED, Status.BROKEN):
        root = parsed(summary(status=status, planned_cases=4, reason="Ctrl-C"))
        assert root.get("errors") == "1"
        error = root.find(".//error")
        assert error is not None
        assert error.text == f"{status} after 0 of 4 cases: Ctrl-C"


def test_hostile_text_stays_text() -> None:
    hostile = FAILED.model_copy(update={"expression": HOSTILE, "left": HOSTILE, "right": "]]>"})
    root = parsed(
        summary(case(name=HOSTILE, expectations=[hostile], invalid=[HOSTILE]), scenario=HOSTILE)
    )
    assert root.find(".//script") is None
    assert "<script>alert(1)</script>" in str(root[0].get("name"))


def test_the_first_suite_carries_the_question_and_its_answer() -> None:
    answered = Answer(sentences=["One.", HOSTILE], caveat="Caution: no.")
    root = parsed(summary(case("single"), case("epoll"), answer=answered))
    found = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert list(found) == ["question", "answer", "caveat"]
    assert str(found["answer"]).startswith("One. <script>")
    assert [len(suite.findall("properties")) for suite in root] == [1, 0]
    assert root.get("tests") == "4"


def test_without_an_answer_there_are_no_properties() -> None:
    assert not list(parsed(summary(case("single"))).iter("properties"))
