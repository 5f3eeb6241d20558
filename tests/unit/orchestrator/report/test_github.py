import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.campaign.comparison import Change, Difference
from orchestrator.report.escape import markdown
from orchestrator.report.github import (
    MAX_ANNOTATIONS,
    Annotation,
    annotations,
    differences_annotations,
    differences_summary,
    step_summary,
)
from orchestrator.results.summary import Answer, Comparison, Status, Summary
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    HOSTILE,
    PASSED,
    UNKNOWN,
    case,
    summary,
)
from tests.unit.orchestrator.report.test_escape import cells

WORSE = Difference(HOSTILE, "response_time_p99", 0.1, 0.11, 0.1, 0.08, 0.12, Change.REGRESSION)


def commands(campaign: Summary) -> list[str]:
    return [each.command() for each in annotations(campaign)]


@given(st.text(), st.text())
def test_a_command_is_one_line_and_begins_once(title: str, message: str) -> None:
    command = Annotation("error", title, message).command()
    assert not set(command) & set("\r\n")
    head, _, text = command.removeprefix("::").partition("::")
    assert text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%") == message
    properties = head.removeprefix("error ").split(",")
    assert len(properties) == 1
    escaped = properties[0].removeprefix("title=")
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        escaped = escaped.replace(code, char)
    assert escaped == title


def test_a_failure_is_an_error_and_a_doubt_is_a_warning() -> None:
    campaign = summary(
        case("prefork,users=7", expectations=[PASSED, FAILED, UNKNOWN], invalid=["host busy: 9%"]),
        comparisons=[Comparison(axes={}, expectations=[FAILED])],
    )
    assert commands(campaign) == [
        f"::error title=prefork%2Cusers=7::{FAILED.expression.replace('%', '%25')}: failed: "
        "2.513 s vs 1.000 s",
        f"::error title=compare::{FAILED.expression.replace('%', '%25')}: failed: "
        "2.513 s vs 1.000 s",
        "::warning title=prefork%2Cusers=7::cpu_time < 1s: unknown: "
        "cpu_time is unknown (unknown vs 1.000 s)",
        "::warning title=prefork%2Cusers=7::invalid as a measurement: host busy: 9%25",
    ]


def test_a_good_campaign_has_none() -> None:
    assert annotations(summary(case())) == []


def test_a_broken_campaign_is_an_error() -> None:
    (command,) = commands(summary(status=Status.BROKEN, reason="no engine\nat all"))
    assert command == "::error title=quickstart::broken after 0 of 0 cases: no engine at all"


def test_there_are_no_more_than_are_shown() -> None:
    failing = [case(f"model{n}", expectations=[FAILED], invalid=["busy"]) for n in range(25)]
    shown = annotations(summary(*failing))
    assert [each.level for each in shown] == ["error"] * 10 + ["warning"] * 10
    assert shown[MAX_ANNOTATIONS - 1].message == "and 16 more, see the step's summary"


def test_as_many_as_are_shown_are_all_shown() -> None:
    failing = [case(f"model{n}", expectations=[FAILED]) for n in range(MAX_ANNOTATIONS)]
    assert {each.title for each in annotations(summary(*failing))} == {c.name for c in failing}


def test_a_step_summary_has_a_row_for_each_case() -> None:
    intervals = {"throughput_per_s": (34.5, 35.25)}
    campaign = summary(
        case(intervals=intervals), case("epoll", expectations=[FAILED], invalid=["busy"])
    )
    shown = cells(step_summary(campaign))
    assert shown[:2] == ["quickstart: invalid as a measurement: epoll: busy", campaign.intent]
    at = shown.index("prefork")
    assert shown[at : at + 7] == [
        "prefork", "1/1", "—", "34.9 /s (34.5 /s to 35.2 /s)", "100.3 ms", "600.0 ms", "—",
    ]  # fmt: skip
    assert shown[shown.index("epoll") + 1] == "0/1, invalid"
    assert "epoll: invalid as a measurement: busy" in shown


@pytest.mark.parametrize(
    "markdown",
    [
        step_summary(summary(case(HOSTILE, invalid=[HOSTILE]), intent=HOSTILE, scenario=HOSTILE)),
        differences_summary([WORSE, Difference(HOSTILE, "cpu_time", None, None)], 0.05),
    ],
)
def test_text_from_outside_breaks_no_table(markdown: str) -> None:
    """Each cell and line is plain text, or `cells` fails."""
    assert any("<script>" in cell for cell in cells(markdown))


def test_what_else_differs_stands_above_the_coverage_of_the_intervals() -> None:
    text = differences_summary([WORSE], 0.05, ["other host: kernel: 6.8, then 6.11"])
    assert text.index("other host") < text.index("interval")


def test_a_regression_is_an_error() -> None:
    undecided = Difference("prefork", "cpu_time", None, None, reason="too few repeats")
    shown = differences_annotations([WORSE, undecided, undecided])
    assert [each.level for each in shown] == ["error", "warning"]
    assert "+10.0% (+8.0 to +12.0%)" in shown[0].message


def test_a_summary_opens_with_question_answer_caveat_and_verdict() -> None:
    answered = Answer(sentences=["epoll is first.", "It takes *1* s."], caveat="Caution: no.")
    lines = step_summary(summary(case(), answer=answered)).splitlines()
    assert [line for line in lines if line][:4] == [
        f"### quickstart: {markdown(summary().intent)}",
        f"**{markdown('epoll is first. It takes *1* s.')}**",
        markdown("Caution: no."),
        "the expectation holds",
    ]
