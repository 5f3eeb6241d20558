import re
from collections.abc import Mapping
from html.parser import HTMLParser

import pytest

from orchestrator.records import Excerpt, RequestRecord
from orchestrator.report.html import html_report
from orchestrator.summary import Fitness, Instrument, Summary
from tests.unit.orchestrator.report.simulation import (
    FAILED,
    HOSTILE,
    LONG_WORD,
    PASSED,
    UNKNOWN,
    case,
    excerpt,
    serve,
    summary,
)

ENVIRONMENT = {"kernel": "6.1.0", "memory_bytes": 8 * 2**30, "packages": {"docker": "7.1.0"}}
EXCERPTS = {"single": excerpt(serve(1)), "prefork": excerpt(serve(5))}


class Page(HTMLParser):
    """Collects tags with their attributes and the text; complains of what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def count(self, tag: str, class_: str = "") -> int:
        return sum(t == tag and class_ in (a.get("class") or "").split(" ") for t, a in self.tags)


def page(
    campaign: Summary,
    environment: Mapping[str, object] = ENVIRONMENT,
    excerpts: Mapping[str, Excerpt] = EXCERPTS,
) -> Page:
    return Page(html_report(campaign, environment, excerpts))


def test_a_picture_for_each_case_with_a_bar_for_each_request() -> None:
    shown = page(summary(case("single"), case("prefork")))
    assert shown.count("article", "card") == 2
    assert shown.count("path", "s") == 70
    assert [a.get("role") for t, a in shown.tags if t == "svg"].count("img") == 2
    assert "user 6, message 4: sent at" in shown.words


def test_all_pictures_share_one_time_axis() -> None:
    text = html_report(summary(case("single"), case("prefork")), ENVIRONMENT, EXCERPTS)
    grids = [re.findall(r'class="grid" x1="([^"]+)"', each) for each in text.split("<article")[1:]]
    assert len(grids) == 2
    assert grids[0] == grids[1]


def test_the_question_the_verdict_and_where_it_ran() -> None:
    words = page(summary(case("single", expectations=[PASSED, FAILED]))).words
    for said in ("Who waits for whom?", "1 of 2 expectations failed", "no engine answers",
                 "6.1.0", "8.0 GiB", "packages.docker", "61.5 MiB",
                 "orchestrator's own cost per case: single 412.0 ms"):  # fmt: skip
        assert said in words, said


def test_expectations_show_both_sides_and_doubts_their_reason() -> None:
    words = page(summary(case(expectations=[FAILED, UNKNOWN], invalid=["log incomplete"]))).words
    for said in ("2.513 s vs 1.000 s", "cpu_time is unknown", "log incomplete"):
        assert said in words, said


@pytest.mark.parametrize(
    ("campaign", "tone"),
    [
        (summary(case()), "good"),
        (summary(case(expectations=[FAILED])), "bad"),
        (summary(case(invalid=["host busy"])), "doubt"),
        (summary(case(), status="interrupted", planned_cases=2), "doubt"),
    ],
)
def test_the_verdict_has_the_tone_of_what_it_says(campaign: Summary, tone: str) -> None:
    assert page(campaign).count("p", tone) >= 1


def test_hostile_text_stays_text() -> None:
    lost = RequestRecord(HOSTILE, HOSTILE, 0, None, HOSTILE, 0, 0, 9, None, None, None)
    hostile = case(
        HOSTILE,
        axes={HOSTILE: HOSTILE},
        expectations=[FAILED.model_copy(update={"expression": HOSTILE, "left": HOSTILE})],
        invalid=[HOSTILE + LONG_WORD],
    )
    campaign = summary(hostile, intent=HOSTILE, scenario=HOSTILE, backend_reason=HOSTILE)
    text = html_report(campaign, {HOSTILE: [HOSTILE]}, {HOSTILE: excerpt([lost])})
    shown = Page(text)
    assert shown.count("script") == 0
    assert "<script>alert(1)</script>" in shown.words
    assert all(char.isprintable() or char == "\n" for char in text)
    text.encode()


def test_nothing_is_loaded_and_nothing_runs() -> None:
    shown = page(summary(case("single")))
    policies = [a["content"] for t, a in shown.tags if a.get("http-equiv")]
    assert [str(policy).startswith("default-src 'none'") for policy in policies] == [True]
    assert {t for t, _ in shown.tags}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not any(
        name in {"src", "href", "style"} or name.startswith("on")
        for _, a in shown.tags
        for name in a
    )
    assert "url(" not in shown.words
    assert "@import" not in shown.words


def test_names_in_the_page_are_unique() -> None:
    names = [a["id"] for _, a in page(summary(case("single"), case("prefork"))).tags if "id" in a]
    assert len(names) == len(set(names))


def test_a_campaign_without_cases_or_records_is_a_page_too() -> None:
    assert "No case ran" in page(summary(status="broken", planned_cases=4)).words
    assert "No message was recorded" in page(summary(case("epoll"))).words


@pytest.mark.slow
def test_a_large_campaign_stays_a_page_that_opens() -> None:
    sent = tuple(serve(50, users=100, messages=10, service_ns=1000))
    shown = Excerpt(sent, users=2000, sent=20_000, end_ns=sent[-1].ended_ns)
    cases = [case(f"m{number}") for number in range(20)]
    text = html_report(summary(*cases), ENVIRONMENT, {each.slug: shown for each in cases})
    assert len(text) < 8_000_000
    assert text.count("messages are drawn") == 20


def test_groups_have_a_table_and_doubts_of_the_clients_are_told() -> None:
    groups = {"slow": {"acked": 7.0, "response_time_p99_s": 0.25}, "fast": {"acked": 3.0}}
    strained = Instrument(fitness=Fitness.STRAINED, reasons=["replica 0 was late by 2.0 ms"])
    shown = page(summary(case("single", groups=groups, instrument=strained)))
    for said in ("Figures of each client group", "slow", "250.0 ms",
                 "single: the clients were strained: replica 0 was late by 2.0 ms"):  # fmt: skip
        assert said in shown.words, said
    assert shown.count("p", "good") >= 1  # it decides nothing
