import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from orchestrator.analysis.chart_data import MAX_CASES, MAX_REQUESTS, Exhibit, RequestRecord
from orchestrator.report.html import html_report
from orchestrator.results.summary import Fitness, Instrument, Summary
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    HOSTILE,
    LONG_WORD,
    PASSED,
    UNKNOWN,
    case,
    drawn_from,
    exhibit,
    findings,
    joined,
    serve,
    summary,
)

ENVIRONMENT = {"kernel": "6.1.0", "memory_bytes": 8 * 2**30, "packages": {"docker": "7.1.0"}}
EXHIBITS = {"single": exhibit(serve(1)), "prefork": exhibit(serve(5))}


class Page(HTMLParser):
    """Collects tags with their attributes and the text; fails if a tag is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.open[-1:] == ["style"]:
            self.styles.append(data)
        else:
            self.words += data

    def count(self, tag: str, class_: str = "") -> int:
        return sum(t == tag and class_ in (a.get("class") or "").split(" ") for t, a in self.tags)


def page(
    campaign: Summary,
    environment: Mapping[str, object] = ENVIRONMENT,
    exhibits: Mapping[str, Exhibit] = EXHIBITS,
) -> Page:
    return Page(html_report(findings(campaign, environment, exhibits)))


def test_a_timeline_for_each_case_and_charts_of_them_all() -> None:
    shown = page(summary(case("single"), case("prefork")))
    assert shown.count("div", "timeline") == 2
    assert shown.count("section", "chart") >= 4
    assert "Timelines: who waits while others are served" in shown.words


def test_every_chart_has_words_and_a_table() -> None:
    shown = page(summary(case("single"), case("prefork")))
    pictures = [a for t, a in shown.tags if t == "svg" and a.get("role") == "img"]
    assert all(each.get("aria-label") for each in pictures)
    charts = shown.count("section", "chart") + shown.count("div", "timeline")
    assert shown.count("details", "numbers") == charts


def test_all_timelines_share_one_time_axis() -> None:
    text = html_report(findings(summary(case("single"), case("prefork")), {}, EXHIBITS))
    grids = [
        re.findall(r'<line class="grid" x1="([^"]+)"', each)
        for each in text.split('<div class="timeline"')[1:]
    ]
    assert len(grids) == 2
    assert grids[0] == grids[1]


def test_the_question_the_verdict_and_where_it_ran() -> None:
    words = page(summary(case("single", expectations=[PASSED, FAILED]))).words
    for part in ("Who waits for whom?", "1 of 2 expectations failed", "no engine answers",
                 "6.1.0", "8.0 GiB", "packages.docker", "61.5 MiB",
                 "time added by the orchestrator: single 412.0 ms"):  # fmt: skip
        assert part in words, part


def test_expectations_show_both_sides_and_doubts_show_their_reason() -> None:
    words = page(summary(case(expectations=[FAILED, UNKNOWN], invalid=["log incomplete"]))).words
    for part in ("2.513 s vs 1.000 s", "cpu_time is unknown", "log incomplete"):
        assert part in words, part


@pytest.mark.parametrize(
    ("campaign", "tone"),
    [
        (summary(case()), "good"),
        (summary(case(expectations=[FAILED])), "bad"),
        (summary(case(invalid=["host busy"])), "doubt"),
        (summary(case(), status="interrupted", planned_cases=2), "doubt"),
    ],
)
def test_the_verdict_has_the_color_of_its_result(campaign: Summary, tone: str) -> None:
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
    shown_of = exhibit([lost, *serve(1)])
    attack = findings(campaign, {HOSTILE: [HOSTILE], "command": HOSTILE}, {HOSTILE: shown_of})
    attack = replace(attack, scenario=f"intent: {HOSTILE}\n  {HOSTILE}", folder=HOSTILE)
    text = html_report(attack)
    shown = Page(text)
    assert shown.count("script") == 2  # the page's own, and the messages of the timeline
    assert shown.count("img") == 0
    assert "<script>alert(1)</script>" in shown.words
    named = json.loads(shown.scripts[0])
    assert any("<script>alert(1)</script>" in name for _, _, name in named["connections"])
    assert all(char.isprintable() or char == "\n" for char in text)
    text.encode()


def test_the_page_loads_nothing_and_runs_only_its_own_script() -> None:
    shown = page(summary(case("single")))
    (policy,) = [str(a["content"]) for t, a in shown.tags if a.get("http-equiv")]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind, text in (("style", shown.styles[0]), ("script", shown.scripts[-1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert len(shown.styles) == 1
    assert {t for t, _ in shown.tags}.isdisjoint({"link", "img", "iframe", "object"})
    assert not any(
        name in {"src", "style"} or name.startswith("on") for _, a in shown.tags for name in a
    )
    links = [str(a["href"]) for _, a in shown.tags if "href" in a]
    assert all(link.startswith("#") for link in links)
    assert not re.search(
        r"url\(|@import|https?://(?!www\.w3\.org)", shown.styles[0] + shown.scripts[-1]
    )


def test_names_in_the_page_are_unique() -> None:
    names = [a["id"] for _, a in page(summary(case("single"), case("prefork"))).tags if "id" in a]
    assert len(names) == len(set(names))


def test_a_campaign_without_cases_or_records_is_a_page_too() -> None:
    assert "No case ran" in page(summary(status="broken", planned_cases=4)).words
    assert "No message was recorded" in page(summary(case("epoll"))).words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cases", "users", "messages"),
    [(1, 200, 50), (4, 200, 10), (20, 400, 1), (20, 5, 100), (60, 20, 20)],
)
def test_a_page_is_a_megabyte_at_most_and_says_what_it_leaves_out(
    cases: int, users: int, messages: int
) -> None:
    shown = drawn_from(joined(users, messages), limit=MAX_REQUESTS // min(cases, MAX_CASES))
    assert len(shown.excerpt.requests) * min(cases, MAX_CASES) <= MAX_REQUESTS
    many = [case(f"m{number}") for number in range(cases)]
    text = html_report(findings(summary(*many), ENVIRONMENT, {e.slug: shown for e in many}))
    assert len(text.encode()) < 1_000_000
    is_thinned = len(shown.excerpt.requests) < users * messages
    assert text.count("messages are drawn") == is_thinned * min(cases, MAX_CASES)
    assert (f"{MAX_CASES} of {cases} cases have timelines" in text) == (cases > MAX_CASES)


def test_several_campaigns_are_side_by_side_with_their_differences() -> None:
    first = findings(summary(case("prefork")), ENVIRONMENT, EXHIBITS)
    second = findings(summary(case("prefork", makespan_s=2.0)), ENVIRONMENT, EXHIBITS)
    shown = Page(html_report(first, second))
    assert shown.count("div", "timeline") == 2
    for part in ("A: prefork", "B: prefork", "Differences: B against A", "34.9 /s", "17.5 /s"):
        assert part in shown.words, part
    names = [a["id"] for _, a in shown.tags if "id" in a]
    assert len(names) == len(set(names))


def test_the_command_to_run_it_again_is_shown() -> None:
    command = ".venv/bin/python orchestrate.py run scenarios/quickstart.yaml --set users=9"
    again = page(summary(case("single")), {"command": command})
    assert command in again.words
    assert "clients:\n  - users: 7" in again.words


def test_groups_have_a_table_and_strained_clients_are_reported() -> None:
    groups = {"slow": {"acked": 7.0, "response_time_p99_s": 0.25}, "fast": {"acked": 3.0}}
    strained = Instrument(fitness=Fitness.STRAINED, reasons=["replica 0 was late by 2.0 ms"])
    shown = page(summary(case("single", groups=groups, instrument=strained)))
    for part in ("Figures of each client group and window", "slow", "250.0 ms",
                 "single: the clients were strained: replica 0 was late by 2.0 ms"):  # fmt: skip
        assert part in shown.words, part
    assert shown.count("p", "good") >= 1  # it decides nothing
