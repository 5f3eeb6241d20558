from orchestrator.report.capacity.github import annotations, step_summary
from orchestrator.report.github import ERROR, WARNING
from orchestrator.results.summary import Status
from tests.unit.orchestrator.capacity.capacity_fixtures import asked, capacity, case, without_figure

HOLDS, FAILS = asked("epoll", 200, (246, 300)), asked("poll", 200, (100, 150))
UNDECIDED = asked("select", 200, (190, 210))


def test_the_summary_has_question_answer_verdict_and_a_row_for_each_case() -> None:
    lines = step_summary(capacity(case(), without_figure())).splitlines()
    assert lines[0] == r"### mine: How much can it take? (p99 \< 50ms)"
    assert lines[2] == "**It bears some.**"
    assert lines[4] == "Caution: it is not known what epoll can bear."
    assert lines[6] == "1 of 2 cases bounded within 5%, 1 without a figure"
    assert lines[10].startswith(r"| prefork,workers=4 | \[212, 223\] | 220 | workers busy")
    assert lines[11].startswith("| epoll | — |")


def test_what_fails_is_an_error_and_what_is_in_doubt_a_warning() -> None:
    found = annotations(capacity(HOLDS, FAILS, UNDECIDED, without_figure("x"), at=200.0))
    assert [(each.level, each.title) for each in found] == [
        (ERROR, "poll"), (WARNING, "select"), (WARNING, "x"),
    ]  # fmt: skip
    assert found[0].message == "p99 < 50ms does not hold at 200/s; it bears 100/s to 150/s"


def test_if_one_case_is_enough_the_others_are_no_errors() -> None:
    assert annotations(capacity(HOLDS, FAILS, UNDECIDED, at=200.0, is_any_enough=True)) == []
    assert annotations(capacity(FAILS, at=200.0, is_any_enough=True))[0].level == ERROR


def test_a_search_that_ended_early_is_an_error() -> None:
    (found,) = annotations(capacity(status=Status.BROKEN, reason="no engine", planned_cases=2))
    assert (found.level, found.message) == (ERROR, "broken after 0 of 2 cases: no engine")
