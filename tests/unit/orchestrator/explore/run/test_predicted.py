"""The lanes of the twin, or why there are none."""

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.explore.run.predicted import predicted
from tests.unit.orchestrator.explore.run.run_fixtures import TEXT, case_in


def test_the_twin_predicts_every_message() -> None:
    shown = predicted(case_in(), 100)
    assert isinstance(shown, Exhibit)
    assert len(shown.excerpt.requests) == 6
    assert round(shown.excerpt.end_ns / 1e6) == 400


def test_a_large_load_is_not_predicted() -> None:
    found = predicted(case_in(TEXT.replace("messages: 2", "messages: 2000")), 100)
    assert isinstance(found, str)
    assert "more than 5000 messages" in found


def test_what_has_no_twin_is_named() -> None:
    text = TEXT.replace("executor: closed", "executor: closed, behaviour: slow-sender")
    found = predicted(case_in(text), 100)
    assert isinstance(found, str)
    assert "polite" in found
