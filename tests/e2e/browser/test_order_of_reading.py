"""Where things are on the screen: the answer on the first one, its chart on the second at most."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.report.html import html_report
from orchestrator.results.summary import Answer, FaultSummary, RunSummary, Summary
from tests.e2e.browser.conftest import NARROW, WIDE, Viewer
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    MS,
    PASSED,
    case,
    exhibit,
    findings,
    request,
    serve,
    summary,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.together]

SCREENS = ((WIDE, 800), (NARROW, 844))
OVERLAPS = Path(__file__).with_name("overlaps.js").read_text(encoding="utf-8")
ANSWER = Answer(
    sentences=[
        "epoll is done first, after 505.1 ms: 7.0 times sooner than single, which takes 3.531 s.",
        "Under prefork and threaded the sixth and the seventh client wait for 507.5 ms.",
    ],
    caveat="The host was disturbed while prefork was measured, so its times may be too long.",
)
PLACES = """() => {
  const edges = (element) => element ? element.getBoundingClientRect() : null;
  const drawn = document.querySelector(".answering .plot svg, .answering .lanes");
  return {
    answer: edges(document.querySelector(".answer")).bottom,
    verdict: edges(document.querySelector(".verdict")).bottom,
    chart: drawn ? edges(drawn).top : null,
    width: document.documentElement.scrollWidth,
  };
}"""
FILLED = """() => [...document.querySelectorAll(".plots")].filter((plots) => {
  const last = Math.max(...[...plots.children].map((each) => each.getBoundingClientRect().right));
  return plots.children.length === 1 && plots.getBoundingClientRect().right - last > 2;
}).length"""
KILL = FaultSummary(
    fault="kill-worker", worker=4, asked_s=0.3, effect_s=0.3, reverted_s=None, error=""
)
RUN = RunSummary(
    slug="p", measures={}, faults=[KILL], instrument=case().instrument, invalid=[], overhead_s=0
)


def a_sweep() -> Summary:
    cases = [
        case(
            model,
            name=f"{model},workers={workers},users={users}",
            slug=f"{model}-{workers}-{users}",
            axes={"workers": workers, "users": users},
            makespan_s=4.0 / workers,
        )
        for workers in (1, 2, 4)
        for users in (5, 6)
        for model in ("prefork", "threaded")
    ]
    return summary(*cases, answer=ANSWER, shown=["makespan", "failed"])


def some_groups() -> Summary:
    def of(wait_s: float) -> dict[str, Any]:
        return {"silent": {"acked": 0.0}, "polite": {"first_service_wait_max_s": wait_s}}

    waits_s = {"single": 2.1, "prefork": 1.8, "threaded": 1.8, "epoll": 0.001}
    cases = [case(model, groups=of(wait_s)) for model, wait_s in waits_s.items()]
    return summary(*cases, answer=ANSWER, shown=["polite.first_service_wait_max"])


def a_fault() -> Summary:
    return summary(case("prefork", runs=[RUN], expectations=[FAILED, PASSED]), answer=ANSWER)


def two_hundred_failed_cases_with_long_names() -> Summary:
    cases = [
        case(
            f"server-with-a-name-of-many-words-{number}",
            axes={"an_axis": f"a-value-of-many-words-{number}"},
            expectations=[FAILED],
        )
        for number in range(200)
    ]
    return summary(*cases, answer=ANSWER, exit_code=1)


def an_interrupted_run_without_cases() -> Summary:
    return summary(answer=ANSWER, status="interrupted", planned_cases=4)


KINDS = (
    a_sweep,
    some_groups,
    a_fault,
    two_hundred_failed_cases_with_long_names,
    an_interrupted_run_without_cases,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_answer_is_on_the_first_screen_and_its_chart_on_the_second_at_most(
    viewer: Viewer, kind: Callable[[], Summary]
) -> None:
    lost = request(9, 0, None, (0, None, None, 300 * MS), "closed_early")
    shown = exhibit([*serve(4), lost])
    campaign = kind()
    page = html_report(findings(campaign, {}, {each.slug: shown for each in campaign.cases}))
    for width, height in SCREENS:
        opened = viewer.open(page, width, height=height)
        places = opened.page.evaluate(PLACES)
        assert places["answer"] < places["verdict"] < height
        assert places["width"] == width
        assert (places["chart"] is None) == (not campaign.cases)
        assert (places["chart"] or 0) < 2 * height
        assert opened.page.evaluate(FILLED) == 0
        assert opened.page.evaluate(OVERLAPS) == []
        assert opened.console == []
        opened.page.close()
