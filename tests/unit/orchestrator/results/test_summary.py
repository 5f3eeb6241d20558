"""The summary of a campaign as a file: read as it was written, or refused."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from orchestrator.results.summary import SCHEMA_VERSION, Outcome, Summary
from tests.unit.orchestrator.report.report_fixtures import PASSED

WHOLE: dict[str, Any] = {
    "scenario": "quickstart",
    "intent": "Who waits?",
    "backend": "process",
    "backend_reason": "as requested",
    "started_at": "2025-01-01T00:00:00Z",
    "duration_s": 1.5,
    "status": "complete",
    "planned_cases": 1,
    "cases": [
        {
            "name": "epoll",
            "model": "epoll",
            "slug": "epoll",
            "axes": {"workers": 5, "work": "cpu", "blocking_sleep": True},
            "measures": {"makespan_s": 1.0, "worker_deaths": None},
            "intervals": {"makespan_s": [0.9, 1.1]},
            "instrument": {"fitness": "strained", "reasons": ["the clients were late"]},
            "expectations": [PASSED.model_dump()],
            "invalid": [],
            "overhead_s": 0.1,
        }
    ],
    "exit_code": 0,
}


def changed(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the summary with other values in its only case."""
    return {**WHOLE, "cases": [{**WHOLE["cases"][0], **changes}]}


def test_a_summary_is_read_as_it_was_written() -> None:
    summary = Summary.model_validate_json(json.dumps(WHOLE))
    assert summary.schema_version == SCHEMA_VERSION
    assert Summary.model_validate_json(summary.model_dump_json()) == summary
    case = summary.cases[0]
    assert case.axes == {"workers": 5, "work": "cpu", "blocking_sleep": True}
    assert type(case.axes["blocking_sleep"]) is bool
    assert case.intervals["makespan_s"] == (0.9, 1.1)
    assert case.expectations[0].outcome is Outcome.PASSED
    assert (case.guesses, case.runs, summary.accepts_invalid) == ([], [], False)


@pytest.mark.parametrize(
    "content",
    [
        {**WHOLE, "verdict": "good"},
        {**WHOLE, "status": "finished"},
        {key: value for key, value in WHOLE.items() if key != "exit_code"},
        changed(instrument={"fitness": "weak", "reasons": []}),
        changed(measures={"makespan_s": "1.0 s"}),
        changed(intervals={"makespan_s": [0.9]}),
        changed(notes=None),
    ],
)
def test_what_the_schema_does_not_know_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Summary.model_validate_json(json.dumps(content))


def test_a_finding_is_not_changed_after_it_was_made() -> None:
    summary = Summary.model_validate_json(json.dumps(WHOLE))
    with pytest.raises(ValidationError, match="frozen"):
        summary.cases[0].expectations[0].outcome = Outcome.FAILED
