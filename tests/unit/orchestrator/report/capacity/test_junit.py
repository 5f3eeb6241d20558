from xml.etree import ElementTree as ET

from orchestrator.report.capacity.junit import junit_xml
from orchestrator.results.capacity import Capacity
from orchestrator.results.summary import Status
from tests.unit.orchestrator.capacity.capacity_fixtures import asked, capacity, case, without_figure

HOLDS, FAILS = asked("epoll", 200, (246, 300)), asked("poll", 200, (100, 150))
UNDECIDED = asked("select", 200, (190, 210))


def outcomes(found: Capacity) -> dict[str | None, list[str]]:
    """Return the testcases by name, each with the tags in it."""
    root = ET.fromstring(junit_xml(found))  # noqa: S314 our own
    return {case.get("name"): [each.tag for each in case] for case in root.iter("testcase")}


def test_at_a_load_each_case_is_a_test() -> None:
    found = capacity(HOLDS, FAILS, UNDECIDED, without_figure("x"), at=200.0)
    assert outcomes(found) == {
        "epoll": [], "poll": ["failure"], "select": ["error"], "x": ["error"],
    }  # fmt: skip


def test_if_one_case_is_enough_it_is_the_test() -> None:
    met = capacity(HOLDS, FAILS, UNDECIDED, at=200.0, is_any_enough=True)
    assert outcomes(met) == {
        "one case holds": [], "epoll": [], "poll": ["skipped"], "select": ["skipped"],
    }  # fmt: skip
    unmet = capacity(FAILS, at=200.0, is_any_enough=True)
    assert outcomes(unmet)["one case holds"] == ["failure"]
    undecided = capacity(FAILS, UNDECIDED, at=200.0, is_any_enough=True)
    assert outcomes(undecided)["one case holds"] == ["error"]


def test_without_a_load_the_test_is_whether_bounds_were_found() -> None:
    wide = case("poll", is_complete=False)
    assert outcomes(capacity(case(), wide, without_figure())) == {
        "prefork,workers=4": [], "poll": ["error"], "epoll": ["error"],
    }  # fmt: skip


def test_question_and_answer_are_properties() -> None:
    root = ET.fromstring(junit_xml(capacity(case())))  # noqa: S314 our own
    texts = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert texts == {"question": "How much can it take? (p99 < 50ms)", "answer": "It bears some."}


def test_a_search_that_ended_early_is_an_error() -> None:
    found = capacity(status=Status.INTERRUPTED, planned_cases=2)
    assert outcomes(found) == {"every planned case ended": ["error"]}
