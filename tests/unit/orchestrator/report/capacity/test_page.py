import pytest

from orchestrator.report.capacity.page import OPEN_PLOTS, OPEN_REMARKS, capacity_page
from orchestrator.results.capacity import Capacity
from tests.unit.orchestrator.capacity.capacity_fixtures import asked, capacity, case, without_figure
from tests.unit.orchestrator.report.report_fixtures import HOSTILE, LONG_WORD
from tests.unit.orchestrator.report.test_html import Page

MANY = [case(f"prefork,workers={n}", (50.0 * n, 52.0 * n)) for n in range(2, 41)]


def test_the_page_is_in_the_order_of_reading() -> None:
    words = Page(
        capacity_page(capacity(case(), without_figure()), "intent: Why?\n", "mine-1")
    ).words
    parts = ("How much can it take?", "It bears some.", "Caution:", "1 of 2 cases bounded",
             "What each case bears", "[212, 223]", "p99 < 50ms, over the load",
             "how to run it again", "orchestrate.py capacity mine.yaml", "intent: Why?",
             "6.1.0")  # fmt: skip
    body = words[words.index("To the table of cases") :]
    places = [body.index(part) for part in parts]
    assert places == sorted(places)


def test_every_chart_has_words_and_a_table() -> None:
    shown = Page(capacity_page(capacity(case(), without_figure())))
    pictures = [a for t, a in shown.tags if t == "svg" and a.get("role") == "img"]
    assert len(pictures) == 2
    assert all(each.get("aria-label") for each in pictures)
    assert shown.count("details", "numbers") == 1


def test_of_many_cases_the_first_plots_are_open_and_the_others_folded() -> None:
    text = capacity_page(capacity(*MANY))
    shown, folded = text.split(f"<summary>{len(MANY) - OPEN_PLOTS} more cases</summary>")
    assert shown.count('<figure class="plot') == OPEN_PLOTS
    assert folded.count('<figure class="plot') == len(MANY) - OPEN_PLOTS
    assert len(text) < 1_000_000


def test_many_remarks_do_not_move_the_table_away() -> None:
    wide = [case(f"c{n}", is_complete=False) for n in range(OPEN_REMARKS + 2)]
    assert "<summary>2 more</summary>" in capacity_page(capacity(*wide))


@pytest.mark.parametrize(("code", "tone"), [(0, "good"), (1, "bad"), (4, "doubt")])
def test_the_verdict_has_the_color_of_its_result(code: int, tone: str) -> None:
    found = capacity(asked("epoll", 200, (246, 300)), at=200.0, exit_code=code)
    assert Page(capacity_page(found)).count("p", tone) == 1


@pytest.mark.parametrize("found", [capacity(), capacity(answer=[])])
def test_a_search_without_cases_is_a_page_too(found: Capacity) -> None:
    assert "No case ran to its end." in Page(capacity_page(found)).words


def test_hostile_text_stays_text() -> None:
    found = capacity(
        case(HOSTILE, is_complete=False, ended=HOSTILE),
        case(LONG_WORD),
        intent=HOSTILE,
        answer=[HOSTILE],
        objectives=[HOSTILE],
        host={HOSTILE: HOSTILE, "command": HOSTILE},
    )
    shown = Page(capacity_page(found, HOSTILE, HOSTILE))
    assert len(shown.scripts) == 1
    assert "\x1b" not in shown.words
    assert "alert(1)" in shown.words


def test_names_in_the_page_are_unique() -> None:
    found = capacity(case(), objectives=["p99 < 50ms", "errors == 0"])
    names = [a["id"] for _, a in Page(capacity_page(found)).tags if "id" in a]
    assert len(names) == len(set(names))
