import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from orchestrator.analysis.chart_data import MAX_CASES, Exhibit
from orchestrator.analysis.excerpt import MAX_REQUESTS, RequestRecord
from orchestrator.report.html import OPEN_PROBLEMS, html_report
from orchestrator.results.summary import Answer, Fitness, Instrument, Summary
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    HOSTILE,
    LONG_WORD,
    PASSED,
    STEPS,
    UNKNOWN,
    case,
    drawn_from,
    exhibit,
    findings,
    joined,
    run_over_time,
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


def test_a_run_of_many_messages_has_two_plots_over_time_below_its_lanes() -> None:
    many = run_over_time(STEPS)
    shown = page(summary(case("single", runs=[many]), case("prefork", runs=[run_over_time(None)])))
    below = shown.words[shown.words.index("single: the numbers") :]
    below = below[: below.index("prefork")]
    assert "Throughput and response times over time" in below
    assert "single: messages per s" in below
    assert "prefork: messages per s" not in shown.words


def test_the_timeline_of_a_run_on_several_clocks_says_how_exact_it_is() -> None:
    far = run_over_time(None, clock_error_s=51e-6)
    shown = page(summary(case("single"), case("prefork", runs=[far])))
    assert shown.words.count("an instant of a client is within ±51.0 us") == 1


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


def test_the_page_is_in_the_order_of_reading() -> None:
    """Question, answer, verdict; what answers; lanes; expectations; other charts; the rest."""
    answer = Answer(sentences=["epoll is done first."], caveat="The host was disturbed.")
    cases = [
        case("p", name=f"p,workers={n}", slug=f"p{n}", axes={"workers": n}, makespan_s=n)
        for n in (1, 2)
    ]
    shown = {each.slug: exhibit(serve(1)) for each in cases}
    campaign = summary(*cases, answer=answer, shown=["makespan"])
    words = page(campaign, exhibits=shown).words
    parts = ("Who waits for whom?", "epoll is done first.", "The host was disturbed.",
             "all 2 expectations hold", "Over workers", "Timelines: who waits",
             "Expectations", "Messages in service over time", "Figures",
             "how to run it again")  # fmt: skip
    body = words[words.index("To the timelines") + len("To the timelines") :]
    places = [body.index(part) for part in parts]
    assert places == sorted(places)


def test_without_an_answer_the_page_begins_with_question_and_verdict() -> None:
    shown = page(summary(case("single")))
    assert shown.count("div", "answer") == 0
    assert page(summary(case(), answer=Answer(sentences=["Yes."]))).count("div", "answer") == 1


def test_the_answering_section_is_marked_once() -> None:
    lanes = page(summary(case("single"), case("prefork")))
    assert [a["id"] for t, a in lanes.tags if "answering" in (a.get("class") or "")] == [
        "timelines"
    ]
    groups = {"a": {"response_time_p50_s": 1.0}, "b": {"response_time_p50_s": 2.0}}
    grouped = page(summary(case("single", groups=groups)))
    assert [
        a["aria-labelledby"] for t, a in grouped.tags if "answering" in str(a.get("class"))
    ] == ["groups"]


def test_expectations_that_fail_are_open_and_the_others_folded() -> None:
    implied = PASSED.model_copy(update={"expression": "errors == 0", "is_implied": True})
    text = html_report(
        findings(summary(case(expectations=[PASSED, FAILED, implied])), {}, EXHIBITS)
    )
    section = text[text.index('<h2 id="expectations">') :]
    section = section[: section.index("</section>")]
    opened, folded = section.split("<details", 1)
    assert "makespan ~= " in opened
    assert "makespan ~= " not in folded
    assert "peak_in_service == workers" in folded
    assert "2 of 3 expectations hold" in folded
    assert "1 of 1 hold" in folded
    assert "errors == 0" not in section


def test_many_problems_do_not_move_the_answering_chart_away() -> None:
    cases = [case(f"m{n}", expectations=[FAILED]) for n in range(200)]
    shown = page(summary(*cases, exit_code=1))
    header = shown.words[: shown.words.index("Timelines: who waits")]
    assert header.count("2.513 s vs 1.000 s") == 200
    assert shown.count("p", "bad") == 1 + OPEN_PROBLEMS  # the verdict, and the open ones
    assert "197 more problems" in header


def test_failed_expectations_come_before_why_a_case_is_invalid() -> None:
    cases = [case("a", invalid=["host busy"]), case("b", expectations=[FAILED])]
    words = page(summary(*cases, exit_code=1)).words
    failed, invalid = words.index("b: makespan ~="), words.index("a: invalid as a measurement")
    assert failed < invalid


def test_an_expected_loss_does_not_color_the_verdict() -> None:
    lossy = case(measures={**case().measures, "errors": 1.0, "failed": 1.0})
    shown = page(summary(lossy))
    assert shown.count("p", "good") == 1
    assert shown.count("p", "bad") == 0


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
    many = [case(f"m{number}", runs=[run_over_time(STEPS)]) for number in range(cases)]
    text = html_report(findings(summary(*many), ENVIRONMENT, {e.slug: shown for e in many}))
    assert len(text.encode()) < 1_000_000
    is_thinned = len(shown.excerpt.requests) < users * messages
    assert text.count("messages are drawn") == is_thinned * min(cases, MAX_CASES)
    assert (f"{MAX_CASES} of {cases} cases have timelines" in text) == (cases > MAX_CASES)


def test_of_many_cases_those_with_a_problem_have_timelines() -> None:
    """The failed case is one of two hundred, and neither near the first nor evenly placed."""
    cases = [case(f"m{n}", expectations=[FAILED if n == 157 else PASSED]) for n in range(200)]
    shown = page(summary(*cases, exit_code=1), exhibits={})
    timelines = shown.words[shown.words.index("Timelines: who") :]
    timelines = timelines[: timelines.index("Expectations")]
    assert "m157" in timelines
    assert f"{MAX_CASES} of 200 cases have timelines" in timelines
    assert shown.count("details", "scene") == MAX_CASES


def test_several_campaigns_are_side_by_side_with_their_differences() -> None:
    first = findings(summary(case("prefork")), ENVIRONMENT, EXHIBITS)
    second = findings(summary(case("prefork", makespan_s=2.0)), ENVIRONMENT, EXHIBITS)
    shown = Page(html_report(first, second))
    assert shown.count("div", "timeline") == 2
    for part in ("A: prefork", "B: prefork", "Differences: B against A", "34.9 /s", "17.5 /s"):
        assert part in shown.words, part
    names = [a["id"] for _, a in shown.tags if "id" in a]
    assert len(names) == len(set(names))


def test_campaigns_side_by_side_of_two_hosts_have_no_verdicts_but_their_differences() -> None:
    first, second = (
        findings(summary(case("prefork")), {**ENVIRONMENT, "cpu_model": model}, EXHIBITS)
        for model in ("Xeon", "EPYC")
    )
    shown = Page(html_report(first, second))
    assert "other host: CPU model: Xeon, then EPYC" in shown.words
    assert "the runs have different hosts" in shown.words
    assert "no difference (" not in shown.words


def test_the_command_to_run_it_again_is_shown() -> None:
    command = ".venv/bin/python orchestrate.py run scenarios/quickstart.yaml --set users=9"
    again = page(summary(case("single")), {"command": command})
    assert command in again.words
    assert "clients:\n  - users: 7" in again.words


def test_groups_have_a_table_and_strained_clients_are_reported() -> None:
    groups = {"slow": {"acked": 7.0, "response_time_p99_s": 0.25}, "fast": {"acked": 3.0}}
    strained = Instrument(fitness=Fitness.STRAINED, reasons=["replica 0 was late by 2.0 ms"])
    shown = page(summary(case("single", groups=groups, instrument=strained)))
    for part in ("Figures of each client group", "slow", "250.0 ms",
                 "single: the clients were strained: replica 0 was late by 2.0 ms"):  # fmt: skip
        assert part in shown.words, part
    assert shown.count("p", "good") >= 1  # it decides nothing
