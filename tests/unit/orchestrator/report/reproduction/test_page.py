"""A reproduction as a page."""

from orchestrator.report.reproduction.page import reproduction_page
from tests.unit.orchestrator.report.report_fixtures import HOSTILE
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import (
    CONTRARY,
    OPEN,
    broken_off,
    claim,
    reproduction,
)


def test_the_page_has_each_claim_its_source_and_a_link_to_its_runs() -> None:
    page = reproduction_page(reproduction(claim(), CONTRARY, OPEN))
    assert "A. Nobody, On servers, 2001, table 1, ISBN 0" in page
    assert 'href="nobody/report.html"' in page
    assert "31 ms (30 ms to 32 ms)" in page
    assert "orchestrate.py reproduce" in page
    assert "not measured: no engine" in page


def test_no_text_of_a_claim_is_markup() -> None:
    page = reproduction_page(reproduction(claim(HOSTILE, reason=HOSTILE)))
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_without_claims_it_says_so() -> None:
    assert "No claim was tried." in reproduction_page(reproduction(files=[]))


def test_a_file_that_broke_off_is_named_above_the_table() -> None:
    page = reproduction_page(broken_off())
    assert page.index("nobody: broken: the engine left") < page.index("The claims</h2>")
    assert "1 of 1 file did not complete" in page
