"""A reproduction for GitHub, and its table as Markdown."""

from orchestrator.report.github import ERROR, WARNING
from orchestrator.report.reproduction.github import annotations, claims_table, step_summary
from orchestrator.results.summary import Status
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import (
    CONTRARY,
    OPEN,
    broken_off,
    claim,
    reproduction,
)


def test_the_summary_has_answer_verdict_table_and_what_is_not_as_known() -> None:
    text = step_summary(reproduction(claim(), CONTRARY))
    assert text.startswith("### reproduce: Do the published claims")
    assert "1 contradicts what is known" in text
    assert text.count("| A pool is cheaper") == 1
    assert "- A pool is cheaper" in text


def test_the_table_has_a_row_for_each_figure() -> None:
    table = claims_table(reproduction())
    assert len(table.splitlines()) == 4
    assert claims_table(reproduction(files=[])) == ""


def test_a_contradiction_is_an_error_and_an_undecided_claim_a_warning() -> None:
    found = annotations(reproduction(claim(), CONTRARY, OPEN))
    assert [(each.level, each.title) for each in found] == [
        (ERROR, "A pool is cheaper."),
        (WARNING, "It grows."),
    ]
    (first, *_) = annotations(reproduction(status=Status.INTERRUPTED))
    assert first.level == ERROR


def test_a_file_that_broke_off_is_an_error_even_if_its_claims_are_as_known() -> None:
    (found,) = annotations(broken_off())
    assert (found.level, found.title) == (ERROR, "nobody")
    assert found.message == "nobody: broken: the engine left"
    assert "- nobody: broken: the engine left" in step_summary(broken_off())
