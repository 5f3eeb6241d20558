"""Play in a real browser: every control by pointer and by keyboard, and as one exported file."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Locator, Page

from orchestrator.explore.access import HOST
from orchestrator.explore.play import grid
from orchestrator.explore.play.controls import SLIDERS, Controls
from orchestrator.explore.play.export import export_page
from orchestrator.explore.play.outcome import ROWS
from tests.e2e.browser.conftest import NARROW, WIDE, Opened, Scheme, Viewer
from tests.unit.orchestrator.explore.explore_fixtures import Site, explore_site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.together]

EACH = pytest.mark.parametrize(
    ("width", "scheme"),
    [(width, scheme) for width in (WIDE, NARROW) for scheme in ("light", "dark")],
)
CHOSEN = Controls(("prefork", "epoll"), users=5)
MOST_MS = 100
IN_FRONT = """() => {
  const box = document.activeElement.getBoundingClientRect();
  return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)?.name;
}"""
"""The name of what is seen at the middle of the control that has the focus."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with explore_site(tmp_path_factory.mktemp("results")) as found:
        yield found


def played(viewer: Viewer, site: Site, width: int = WIDE, scheme: Scheme = "light") -> Opened:
    """Open the tab, ready to be played with."""
    opened = viewer.visit(f"http://{HOST}:{site.port}/{site.token}/#play", width, scheme)
    shown_after(opened.page, 0)
    return opened


def shown_after(page: Page, number: int) -> None:
    """Wait until ``number`` pictures have been shown, the first one not counted."""
    page.wait_for_selector(f"#play[data-drawn='{number}']", state="attached")


def skip_half(width: int, scheme: Scheme, *, is_long: bool) -> None:
    """Skip two of four combinations, unless it is long: each width and each scheme is tried."""
    if not is_long and (width, scheme) in ((WIDE, "dark"), (NARROW, "light")):
        pytest.skip("only with --long")


def number_of(page: Page) -> int:
    return int(page.get_attribute("#play", "data-drawn") or "")


def visible(page: Page, selector: str) -> list[Locator]:
    return [each for each in page.locator(selector).all() if each.is_visible()]


def unexpected(opened: Opened, site: Site) -> list[str]:
    """Return what the page printed, and what it requested from elsewhere."""
    origin = f"http://{HOST}:{site.port}/"
    return [*opened.console, *(each for each in opened.requested if not each.startswith(origin))]


def test_what_has_the_focus_is_not_behind_the_sentence(viewer: Viewer, site: Site) -> None:
    opened = played(viewer, site, NARROW)
    for slider, key in (("backlog", "Home"), ("users", "End")):  # the longest sentence
        number = number_of(opened.page)
        opened.page.locator(f"#play [name={slider}]").press(key)
        shown_after(opened.page, number + 1)
    opened.page.evaluate("scrollTo(0, 0)")
    opened.page.locator("#play [name=model]").focus()
    controls = visible(opened.page, "#play .play-controls :is(input, select)")
    names = [each.get_attribute("name") for each in controls]
    for name in names[1:]:
        opened.page.keyboard.press("Tab")
        assert opened.page.evaluate(IN_FRONT) == name


@EACH
def test_every_slider_by_keyboard_and_by_pointer(
    viewer: Viewer, site: Site, width: int, scheme: Scheme, *, is_long: bool
) -> None:
    skip_half(width, scheme, is_long=is_long)
    opened = played(viewer, site, width, scheme)
    page = opened.page
    sliders = visible(page, '#play input[type="range"]')
    assert len(sliders) == len([each for each in SLIDERS if each.load in ("", "users")])
    for slider in sliders:
        for move in ("key", "pointer"):
            before, drawn = slider.get_attribute("aria-valuetext"), number_of(page)
            if move == "key":
                slider.press("ArrowLeft" if slider.input_value() != "0" else "ArrowRight")
            else:
                box = slider.bounding_box()
                assert box is not None
                slider.click(position={"x": box["width"] * 0.3, "y": box["height"] / 2})
            shown_after(page, drawn + 1)
            assert slider.get_attribute("aria-valuetext") != before
            assert "instead of" in page.inner_text("#play [data-sentence]")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert unexpected(opened, site) == []


@EACH
def test_every_choice_by_keyboard_and_by_pointer(
    viewer: Viewer, site: Site, width: int, scheme: Scheme, *, is_long: bool
) -> None:
    skip_half(width, scheme, is_long=is_long)
    opened = played(viewer, site, width, scheme)
    page = opened.page
    for name in ("work", "variability", "beside", "model", "load", "arrivals"):
        select = page.locator(f'#play select[name="{name}"]')
        options = select.locator("option").evaluate_all("all => all.map(each => each.value)")
        drawn = number_of(page)
        select.press("ArrowUp" if select.input_value() == options[-1] else "ArrowDown")
        shown_after(page, drawn + 1)
        other = next(each for each in options if each != select.input_value())
        drawn = number_of(page)
        select.select_option(other)
        shown_after(page, drawn + 1)
        if name == "load":
            select.select_option("rate")
            shown_after(page, drawn + 2)
    assert page.locator('#play input[name="rate_per_s"]').is_visible()
    assert not page.locator('#play input[name="users"]').is_visible()
    assert unexpected(opened, site) == []


def test_a_screen_reader_gets_the_sentence_and_the_table(viewer: Viewer, site: Site) -> None:
    page = played(viewer, site).page
    sentence = page.locator("#play [data-sentence]")
    assert (sentence.get_attribute("role"), sentence.get_attribute("aria-live")) == (
        "status", "polite",
    )  # fmt: skip
    table = page.locator("#play .play-figures")
    assert "What the twin predicts for the 6 users" in table.locator("caption").inner_text()
    assert table.locator("tbody th[scope=row]").count() == len(ROWS)
    unnamed = page.locator("#play :is(input, select, textarea, button)").evaluate_all(
        "all => all.filter(each => !each.labels?.length && !each.ariaLabelledByElements?.length "
        "&& !each.textContent).map(each => each.outerHTML)"
    )
    assert unnamed == []


def test_the_scenario_is_copied_downloaded_and_loaded_back(
    viewer: Viewer, site: Site, tmp_path: Path
) -> None:
    opened = played(viewer, site)
    page = opened.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator('#play input[name="users"]').press("ArrowRight")
    shown_after(page, 1)
    text = page.input_value("#play [data-yaml]")
    page.click('#play [data-act="copy"]')
    page.wait_for_selector("#play [data-told]:has-text('Copied.')")
    assert page.evaluate("navigator.clipboard.readText()") == text
    with page.expect_download() as download:
        page.click('#play [data-act="download"]')
    assert Path(download.value.path()).read_text(encoding="utf-8") == text
    changed = tmp_path / "other.yaml"
    changed.write_text(text.replace("users: 7", "users: 33").replace("epoll", "single"))
    page.set_input_files("#play [data-file]", changed)
    page.wait_for_selector("#play [data-told]:has-text('The controls are set.')")
    slider = page.locator('#play input[name="users"]')
    assert slider.get_attribute("aria-valuetext") == "33"
    assert page.input_value('#play select[name="beside"]') == "single"
    page.fill("#play [data-yaml]", "intent: none")
    page.click('#play [data-act="load"]')
    page.wait_for_selector("#play [data-told]:has-text('the text:1:1')")
    assert slider.get_attribute("aria-valuetext") == "33"
    assert [each for each in opened.console if "400" not in each] == []


def test_a_text_of_ones_own_is_kept_when_a_slider_moves(viewer: Viewer, site: Site) -> None:
    page = played(viewer, site).page
    text = page.locator("#play [data-yaml]")
    back = page.locator('#play [data-act="back"]')
    page.locator('#play input[name="users"]').press("ArrowRight")
    shown_after(page, 1)
    assert not back.is_visible()
    own = "# mine\n" + text.input_value()
    text.fill(own)
    page.locator('#play input[name="users"]').press("ArrowRight")
    shown_after(page, 2)
    assert "users: 8" in text.input_value()
    assert "Your own text is kept" in page.inner_text("#play [data-told]")
    back.press("Enter")
    assert text.input_value() == own
    assert not back.is_visible()
    page.click('#play [data-act="load"]')
    shown_after(page, 3)
    back.click()
    assert text.input_value() == own


def test_the_focused_control_is_explained(viewer: Viewer, site: Site) -> None:
    page = played(viewer, site, NARROW).page
    slider = page.locator('#play input[name="backlog"]')
    slider.focus()
    hint = page.inner_text("#play [data-hint]")
    assert "accept queue" in hint
    described_by = slider.get_attribute("aria-describedby")
    assert page.locator(f"#{described_by}").text_content() == hint
    page.locator("#play .play-meanings summary").press("Enter")
    assert page.locator("#about-backlog").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW


MOVE = """async ([name, value]) => {
  const panel = document.getElementById("play");
  const slider = panel.querySelector(`input[name="${name}"]`);
  const { drawn } = panel.dataset;
  const begin = performance.now();
  slider.value = slider.dataset.stops.split(" ").indexOf(String(value));
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  while (panel.dataset.drawn === drawn) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - begin;
}"""


def test_the_redraw_of_a_hundred_users(viewer: Viewer, site: Site, *, is_long: bool) -> None:
    """From the move of a slider to the frame with the new picture; the median of 50 moves."""
    page = played(viewer, site).page
    page.evaluate(MOVE, ["users", 100])
    moves = 50 if is_long else 5
    took_ms = [page.evaluate(MOVE, ["workers", 6 + number % 20]) for number in range(moves)]
    logging.getLogger(__name__).info("median of %d moves: %.0f ms", moves, median(took_ms))
    assert median(took_ms) < (MOST_MS if is_long else 10 * MOST_MS)


@pytest.fixture(scope="module")
def exported() -> str:
    """Return a page for one scenario, with a grid that is computed in a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "MOST_POINTS", 40)
        return export_page("Who waits?", CHOSEN, 2.0, lambda _done, _all: None)


@EACH
def test_an_exported_page_needs_no_server(
    viewer: Viewer, exported: str, width: int, scheme: Scheme
) -> None:
    opened = viewer.open(exported, width, scheme)
    page = opened.page
    shown_after(page, 0)
    users = page.locator('#play input[name="users"]')
    users.press("ArrowRight")
    shown_after(page, 1)
    assert page.inner_text("#play [data-sentence]").startswith(
        "6 users instead of 5: in prefork one of 6 users, user 5, waits for a worker"
    )
    assert "users: 6" in page.input_value("#play [data-yaml]")
    box = users.bounding_box()
    assert box is not None
    users.click(position={"x": box["width"] - 2, "y": box["height"] / 2})
    shown_after(page, 2)
    assert re.search(r"1\d users instead of 6", page.inner_text("#play [data-sentence]"))
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.console == []
    assert [each for each in opened.requested if not each.startswith("file:")] == []
    assert len(opened.requested) == 1
