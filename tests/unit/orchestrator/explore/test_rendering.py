"""Templates of the page escape what is not ours, as those of the report do."""

from pathlib import Path

from orchestrator.explore.past_runs import PastRun
from orchestrator.explore.rendering import render
from tests.unit.orchestrator.report.report_fixtures import HOSTILE


def test_text_from_outside_is_text() -> None:
    runs = [PastRun(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "good", "a/report.html")]
    values = {"out": Path("results"), "scenarios": [HOSTILE], "measures": []}
    markup = render("past_runs_list.html.j2", runs=runs, **values)
    assert "<script" not in markup
    assert not any(char in markup for char in "\x1b\x00\u202e\ud800")
