"""The lessons in a real browser, done by the keyboard."""

from collections.abc import Iterator

import pytest

from orchestrator.explore.access import HOST
from tests.e2e.browser.conftest import NARROW, WIDE, Scheme, Viewer
from tests.unit.orchestrator.explore.explore_fixtures import Site, explore_site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.together]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with explore_site(tmp_path_factory.mktemp("results")) as found:
        yield found


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (NARROW, "light")])
def test_a_lesson_is_done_by_the_keyboard(
    viewer: Viewer, site: Site, width: int, scheme: Scheme
) -> None:
    opened = viewer.visit(f"http://{HOST}:{site.port}/{site.token}/#learn", width, scheme)
    page = opened.page
    lesson = page.locator("#learn details").nth(1)
    lesson.locator("summary").press("Enter")
    lesson.locator('input[name="makespan"]').press("Enter")
    page.wait_for_selector("#learn [data-answer]:has-text('Type a guess first')")
    assert lesson.locator("table").count() == 0
    page.keyboard.type("1s")
    page.keyboard.press("Tab")
    page.keyboard.type("200ms")
    page.keyboard.press("Enter")
    page.wait_for_selector("#learn [data-answer] .good")
    answer = lesson.locator("[data-answer]")
    assert answer.get_attribute("aria-live") == "polite"
    assert [each.inner_text() for each in answer.locator("td span").all()] == [
        "✓ right", "✗ not right",
    ]  # fmt: skip
    assert answer.locator("svg.lanes").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert [each for each in opened.console if "400" not in each] == []
    origin = f"http://{HOST}:{site.port}/"
    assert [each for each in opened.requested if not each.startswith(origin)] == []


def test_a_lesson_is_done_by_the_pointer(viewer: Viewer, site: Site) -> None:
    page = viewer.visit(f"http://{HOST}:{site.port}/{site.token}/#learn").page
    lesson = page.locator("#learn details").nth(0)
    lesson.locator("summary").click()
    lesson.locator('input[name="makespan"]').fill("2s")
    lesson.locator('input[name="last_wait"]').fill("1600ms")
    lesson.locator("button").click()
    page.wait_for_selector("#learn details:first-of-type [data-mark]:has-text('done')")
    assert lesson.locator("[data-answer] .good").count() == 2


def test_a_problem_is_posed_answered_and_counted(viewer: Viewer, site: Site) -> None:
    opened = viewer.visit(f"http://{HOST}:{site.port}/{site.token}/#learn", NARROW)
    page = opened.page
    page.click("#learn [data-next]")
    page.wait_for_selector("#learn [data-problem] form")
    answer = page.locator("#learn [name=typed]")
    if answer.evaluate("each => each.tagName") == "INPUT":
        page.keyboard.type("7 ")  # a count as it is, and a duration or rate of seconds
        if "duration" in page.inner_text("#learn [data-problem]"):
            page.keyboard.type("s")
    page.click("#learn [data-problem] button")
    page.wait_for_selector("#learn [data-solution] svg.lanes")
    assert page.inner_text("#learn [data-score]") in ("0 of 1 right.", "1 of 1 right.")
    assert answer.is_disabled()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW
    assert opened.console == []
