"""The page of ``explore`` in a real browser: by pointer and by keyboard, narrow and wide."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from orchestrator.explore.access import HOST
from orchestrator.explore.browser import leading_to
from orchestrator.report.publish import publish
from orchestrator.results.archive import Archive
from orchestrator.results.summary import Status
from tests.e2e.browser.conftest import NARROW, WIDE, Scheme, Viewer
from tests.unit.orchestrator.explore.explore_fixtures import Site, explore_site
from tests.unit.orchestrator.report.report_fixtures import (
    HOSTILE,
    LONG_WORD,
    case,
    exhibit,
    findings,
    serve,
    summary,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.together]

OVERLAPS = Path(__file__).with_name("overlaps.js").read_text(encoding="utf-8")
SCENARIO = """\
intent: Who waits?
models: [prefork]
clients: [{executor: closed, users: 3, messages: 10, demand: sleep=100ms}]
server: {workers: 2}
"""
KILL = "Kill a worker"
OLD_RUN = "mine-20260130T120000Z-1a2b3c4d"
RUN, HOSTILE_RUN = "mine-20260131T120000Z-1a2b3c4d", "odd-20260131T110000Z-1a2b3c4d"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve the page for four runs, one of them broken, and one with odd names."""
    results = tmp_path / "results"
    shown = {"prefork": exhibit(serve(5))}
    for name, found in {
        OLD_RUN: summary(case(), scenario="mine"),
        RUN: summary(case(), scenario="mine"),
        HOSTILE_RUN: summary(case(), scenario=LONG_WORD, reason=HOSTILE, status=Status.INTERRUPTED),
    }.items():
        (results / name).mkdir(parents=True)
        publish(findings(found, {}, shown), Archive(results / name))
    (results / "killed-20260131T100000Z-1a2b3c4d").mkdir()
    with explore_site(results) as found_site:
        yield found_site


def address_of(site: Site) -> str:
    return f"http://{HOST}:{site.port}/{site.token}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_run_is_listed_and_nothing_is_wider_than_the_window(
    viewer: Viewer, site: Site, width: int, scheme: Scheme
) -> None:
    opened = viewer.visit(f"{address_of(site)}#past_runs", width, scheme)
    opened.page.wait_for_selector("#past_runs tbody tr")
    assert opened.page.locator("#past_runs tbody tr").count() == 4
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.console == []
    origin = f"http://{HOST}:{site.port}/"
    assert [each for each in opened.requested if not each.startswith(origin)] == []


def test_a_report_opens_beside_the_page_and_its_script_works(viewer: Viewer, site: Site) -> None:
    opened = viewer.visit(f"{address_of(site)}#past_runs")
    with opened.page.expect_popup() as popup:
        opened.page.click(f"text={RUN}")
    report = popup.value
    console: list[str] = []
    report.on("console", lambda message: console.append(message.text))
    report.on("pageerror", lambda error: console.append(str(error)))
    report.click("#theme")
    assert report.get_attribute("html", "data-theme") == "dark"
    assert console == []
    assert report.evaluate("origin") == "null"
    assert report.evaluate(f"fetch('{address_of(site)}').then(() => 'read', () => 'refused')") == (
        "refused"
    )


def test_a_file_that_only_the_user_can_read_leads_to_the_page(viewer: Viewer, site: Site) -> None:
    opened = viewer.open(leading_to(address_of(site)))
    opened.page.wait_for_url(f"{address_of(site)}**")
    opened.page.wait_for_selector("[role=tab][aria-selected=true]")


def test_tabs_are_chosen_by_the_keyboard(viewer: Viewer, site: Site) -> None:
    opened = viewer.visit(address_of(site))
    tabs = opened.page.locator("[role=tab]")
    names = tabs.evaluate_all("all => all.map(each => each.getAttribute('aria-controls'))")
    opened.page.keyboard.press("Tab")
    for key, name in (("End", names[-1]), ("ArrowRight", names[0]), ("ArrowLeft", names[-1])):
        opened.page.keyboard.press(key)
        focused = opened.page.evaluate("document.activeElement.getAttribute('aria-controls')")
        shown = opened.page.locator("[role=tabpanel]:visible").evaluate_all(
            "all => all.map(each => each.id)"
        )
        assert (focused, shown) == (name, [name])
        assert opened.page.url.endswith(f"#{name}")


def test_the_end_of_the_program_is_reported_in_the_page(viewer: Viewer, tmp_path: Path) -> None:
    with explore_site(tmp_path) as site:
        opened = viewer.visit(f"{address_of(site)}#past_runs")
        opened.page.wait_for_selector("text=No results yet")
    opened.page.click("#tab-past_runs")
    opened.page.wait_for_selector("text=it has ended; start it again")


def assert_an_error_is_at_its_line_and_nothing_of_the_run_stays(page: Page) -> None:
    page.fill("#run [name=yaml]", SCENARIO.replace("users: 3", "user: 3"))
    assert page.inner_text("#run [data-numbers]").split() == ["1", "2", "3", "4", "5"]
    page.press("#run [name=name]", "Enter")
    page.wait_for_selector("text=quickstart.yaml:3:30: unknown key 'user'")
    assert page.inner_text("#run [data-numbers]").split() == ["1", "2", "\u25b63", "4", "5"]
    assert page.evaluate("getSelection().toString()").startswith("clients: [{executor")
    assert page.locator("#run .lanes, #run .verdict").count() == 0
    page.evaluate(
        "dispatchEvent(new Event('focus')), fetch('run/follow').then((got) => got.text())"
    )
    assert page.locator("#run .lanes, #run .verdict").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_a_run_is_started_by_the_keyboard_and_drawn_as_it_takes_place(
    viewer: Viewer, site: Site, width: int, scheme: Scheme
) -> None:
    opened = viewer.visit(f"{address_of(site)}#run", width, scheme)
    page = opened.page
    page.fill("#run [name=yaml]", "intent: x")
    page.press("#run [name=name]", "Enter")
    page.wait_for_selector("text=missing key 'clients'")
    page.fill("#run [name=yaml]", SCENARIO)
    page.select_option("#run [name=backend]", "process")
    page.focus("#run [data-start]")
    page.keyboard.press("Space")
    page.wait_for_selector("#run[data-phase=running]")
    assert page.is_disabled("#run [data-start]")
    page.wait_for_selector("text=so far, by the server's event log")
    page.wait_for_selector("#run .lanes[aria-label^='prefork, measured']")
    page.wait_for_selector("#run[data-phase=ended]")
    assert page.locator("#run .lanes").count() == 2
    assert page.inner_text("#run .verdict")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OVERLAPS) == []
    assert page.is_disabled("#run [data-stop]")
    with page.expect_popup() as popup:
        page.click("text=The full report")
    assert popup.value.locator("h1").inner_text() == "Who waits?"
    assert_an_error_is_at_its_line_and_nothing_of_the_run_stays(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.console == []


def test_a_page_that_is_opened_later_sees_the_same_run_and_stops_it(
    viewer: Viewer, site: Site
) -> None:
    first = viewer.visit(f"{address_of(site)}#run").page
    scenario = SCENARIO.replace("messages: 10", "messages: 900")
    first.fill("#run [name=yaml]", scenario)
    first.fill("#run [name=name]", "three")
    first.select_option("#run [name=backend]", "process")
    first.click("#run [data-start]")
    first.wait_for_selector("text=under load")
    second = viewer.visit(f"{address_of(site)}#run").page
    first.close()
    second.wait_for_selector("#run .lanes[aria-label^='prefork, measured']")
    second.click("#run [data-stop]")
    second.wait_for_selector("#run .verdict >> text=you stopped it on the page")
    assert second.is_enabled("#run [data-start]")
    second.reload()
    second.wait_for_selector("#run .verdict")
    fields = {name: second.input_value(f"#run [name={name}]") for name in ("name", "backend")}
    assert fields == {"name": "three", "backend": "process"}
    assert second.input_value("#run [name=yaml]") == scenario
    assert second.inner_text("#run [data-of]") == "The run shown here: three"
    assert second.locator("#run [data-numbers]").inner_text().split() == ["1", "2", "3", "4", "5"]


def test_a_scenario_that_was_typed_stays_and_differs_from_the_run_that_is_shown(
    viewer: Viewer, site: Site
) -> None:
    first = viewer.visit(f"{address_of(site)}#run").page
    first.fill("#run [name=yaml]", SCENARIO.replace("messages: 10", "messages: 1"))
    first.select_option("#run [name=backend]", "process")
    first.click("#run [data-start]")
    first.wait_for_selector("#run .verdict")
    second = viewer.visit(f"{address_of(site)}#play").page
    second.click('#play [data-act="run"]')
    second.wait_for_selector("#run .verdict")
    assert second.input_value("#run [name=name]") == "play"
    shown = second.locator("#run [data-of]")
    assert shown.inner_text().endswith("quickstart; the scenario or the name above is another")
    first.fill("#run [name=yaml]", "intent: x")
    assert "above is another" in first.inner_text("#run [data-of]")


def test_faults_are_injected_by_pointer_and_by_keyboard(viewer: Viewer, site: Site) -> None:
    opened = viewer.visit(f"{address_of(site)}#run")
    page = opened.page
    pause, kill = (page.locator(f"#run [data-fault='{each}']") for each in ("Pause 1 s", KILL))
    assert pause.is_disabled()
    page.fill("#run [name=yaml]", SCENARIO.replace("messages: 10", "messages: 30"))
    page.select_option("#run [name=backend]", "process")
    page.click("#run [data-start]")
    page.wait_for_selector("#run .lanes[aria-label^='prefork, measured']")
    pause.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=the server is paused for 1 s")
    kill.click()
    page.wait_for_selector("text=Kill a worker: kill-worker cannot begin then: the pause at")
    page.wait_for_selector("[data-line] >> text=pause is over")
    kill.click()
    page.wait_for_selector("text=a worker has been killed")
    kill.focus()
    page.wait_for_selector("#run[data-phase=ended]")
    assert kill.is_disabled()
    assert page.evaluate("document.activeElement.tagName") != "BODY"
    assert "pause (by hand)" in page.inner_text("#run [data-result]")
    assert opened.console == []


def test_a_fault_that_the_end_of_the_load_forestalls_is_named(viewer: Viewer, site: Site) -> None:
    page = viewer.visit(f"{address_of(site)}#run").page
    page.fill("#run [name=yaml]", SCENARIO)
    page.select_option("#run [name=backend]", "process")
    page.click("#run [data-start]")
    page.click("#run [data-fault='Fill the backlog']")
    page.wait_for_selector("#run .verdict")
    page.wait_for_selector("text=fill-backlog (by hand) did not take place: the load was over")
    assert page.is_disabled("#run [data-fault='Fill the backlog']")


def test_the_scenario_of_play_is_taken_to_run(viewer: Viewer, site: Site) -> None:
    page = viewer.visit(f"{address_of(site)}#play").page
    scenario = page.input_value("#play [data-yaml]")
    page.focus('#play [data-act="run"]')
    page.keyboard.press("Enter")
    page.wait_for_selector("#run [data-start]")
    assert page.input_value("#run [name=yaml]") == scenario
    assert page.input_value("#run [name=name]") == "play"
    assert page.url.endswith("#run")


def test_two_runs_are_chosen_by_the_keyboard(viewer: Viewer, site: Site) -> None:
    page = viewer.visit(f"{address_of(site)}#past_runs").page
    for run in (RUN, OLD_RUN):
        page.focus(f"[data-pick][value='{run}']")
        page.keyboard.press("Space")
    href = page.get_attribute("#past_runs [data-beside]", "href")
    assert href == f"past_runs/beside?run={OLD_RUN}&run={RUN}"
    page.keyboard.press("Space")
    assert page.is_hidden("#past_runs [data-beside]")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_measure_over_runs_is_chosen_by_the_keyboard(
    viewer: Viewer, site: Site, width: int
) -> None:
    opened = viewer.visit(f"{address_of(site)}#past_runs", width)
    opened.page.select_option("#past_runs [name=measure]", "makespan")
    opened.page.press("#past_runs [data-trend-form] button", "Enter")
    opened.page.wait_for_selector("#past_runs .trend circle")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.console == []
