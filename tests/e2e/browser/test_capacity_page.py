"""The page of a capacity search in a real browser."""

from pathlib import Path

import pytest

from orchestrator.report.capacity.page import capacity_page
from tests.e2e.browser.conftest import NARROW, WIDE, Scheme, Viewer
from tests.unit.orchestrator.capacity.capacity_fixtures import asked, capacity, without_figure
from tests.unit.orchestrator.report.report_fixtures import HOSTILE, LONG_WORD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.together]

OVERLAPS = Path(__file__).with_name("overlaps.js").read_text(encoding="utf-8")


def a_page() -> str:
    """Return a page with more cases than are unfolded, one of them without a figure."""
    cases = [asked(f"prefork,workers={n}", 200, (50.0 * n, 52.5 * n)) for n in range(2, 40)]
    return capacity_page(capacity(*cases, without_figure(), at=200.0), "intent: Why?\n", "mine-1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_texts_overlap_and_no_element_is_wider_than_the_window(
    viewer: Viewer, width: int, scheme: Scheme
) -> None:
    opened = viewer.open(a_page(), width, scheme)
    opened.page.eval_on_selector_all("details", "all => all.forEach(each => each.open = true)")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.page.evaluate(OVERLAPS) == []


def test_the_console_is_empty_and_no_request_is_made(viewer: Viewer) -> None:
    opened = viewer.open(a_page())
    opened.page.click("#theme")
    assert opened.console == []
    assert len(opened.requested) == 1


def test_long_and_hostile_words_do_not_widen_the_page(viewer: Viewer) -> None:
    found = capacity(without_figure(LONG_WORD), intent=HOSTILE, answer=[LONG_WORD])
    opened = viewer.open(capacity_page(found), NARROW)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == NARROW
