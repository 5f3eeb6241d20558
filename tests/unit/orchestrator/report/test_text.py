import io

import pytest
from rich.console import Console

from orchestrator.report.github import step_summary
from orchestrator.report.html import html_report
from orchestrator.report.table import print_table
from orchestrator.report.text import (
    disturbances,
    findings,
    guesses,
    loss,
    notes,
    overheads,
    remarks,
    verdict,
)
from orchestrator.results.summary import (
    CaseSummary,
    FaultSummary,
    Fitness,
    Grade,
    Guess,
    Instrument,
    ReasonKind,
    RunSummary,
    Status,
    Summary,
    TwinSummary,
)
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    HOSTILE,
    PASSED,
    UNKNOWN,
    case,
    summary,
)
from tests.unit.orchestrator.report.report_fixtures import findings as reported

RUN = RunSummary(slug="a", measures={}, instrument=case().instrument, invalid=[], overhead_s=0.0)


@pytest.mark.parametrize(
    ("campaign", "line"),
    [
        (summary(case(expectations=[PASSED] * 14)), "all 14 expectations hold"),
        (summary(case()), "the expectation holds"),
        (summary(case(expectations=[])), "complete; the scenario has no expectations"),
        (
            summary(case(expectations=[PASSED] * 13), case(expectations=[FAILED])),
            "1 of 14 expectations failed",
        ),
        (
            summary(case(expectations=[FAILED, UNKNOWN])),
            "1 of 2 expectations failed, 1 of 2 expectations unknown",
        ),
        (summary(case(expectations=[UNKNOWN])), "1 of 1 expectation unknown"),
        (
            summary(case(expectations=[FAILED], invalid=["log incomplete", "host busy"])),
            "invalid as a measurement: prefork: log incomplete (and 1 more)",
        ),
        (
            summary(case(), case(), status=Status.INTERRUPTED, planned_cases=4),
            "interrupted after 2 of 4 cases",
        ),
        (
            summary(status=Status.BROKEN, planned_cases=4, reason="the engine\nis gone"),
            "broken after 0 of 4 cases: the engine is gone",
        ),
        (
            summary(case(runs=[RUN, RUN]), status=Status.BROKEN, planned_cases=1, planned_runs=4),
            "broken after 2 of 4 runs",
        ),
    ],
)
def test_the_verdict_is_one_line(campaign: Summary, line: str) -> None:
    assert verdict(campaign) == line


def test_a_note_on_the_kernels_figures_is_made_once_and_names_its_cases() -> None:
    campaign = summary(case(notes=["of the host", "cut\noff"]), case(notes=["of the host"]), case())
    assert list(notes(campaign)) == [
        "note, prefork, prefork: of the host",
        "note, prefork: cut off",
    ]
    everyone = summary(case(notes=["of the host"]), case(notes=["of the host"]))
    assert list(notes(everyone)) == ["note, every case: of the host"]


def test_a_finding_shows_both_sides() -> None:
    assert list(findings(case(expectations=[PASSED, FAILED, UNKNOWN], invalid=["host busy"]))) == [
        f"prefork: {FAILED.expression}: failed: 2.513 s vs 1.000 s",
        "prefork: cpu_time < 1s: unknown: cpu_time is unknown (unknown vs 1.000 s)",
        "prefork: invalid as a measurement: host busy",
    ]


def test_messages_without_an_answer_are_a_share_and_a_bound_of_p99() -> None:
    measures = {"unanswered": 0.1167, "response_time_p99_s": 1.0}
    lost = case(measures=measures).model_copy(update={"lower_bounds": ["response_time_p99_s"]})
    assert loss(lost) == "11.7% without an answer, so response_time_p99 is ≥ 1.000 s"
    assert loss(case(measures=measures)) == "11.7% without an answer"


def test_the_verdict_names_first_what_is_not_forgiven() -> None:
    """Both cases are invalid; only the second has a reason that is not a disturbed host."""
    busy, lost = (
        case(name, invalid=[name]).model_copy(update={"invalid_kinds": [kind]})
        for name, kind in (
            ("busy", ReasonKind.DISTURBED_HOST),
            ("lost", ReasonKind.LOST_REPLICA),
        )
    )
    campaign = summary(busy, lost).model_copy(update={"accepts_invalid": True, "exit_code": 4})
    assert verdict(campaign) == "invalid as a measurement: lost: lost (and 1 more)"
    forgiven = summary(busy).model_copy(update={"accepts_invalid": True, "exit_code": 0})
    assert verdict(forgiven).endswith("invalid as a measurement, accepted: busy: busy")


def test_errors_are_listed_by_kind_and_lost_messages_counted() -> None:
    lossy = {"errors": 3.0, "refused": 2.0, "reset": 1.0, "failed": 1.0, "unsent": 9.0}
    (line,) = findings(case(measures=lossy))
    assert line == "prefork: 3 errors (2 refused, 1 reset); messages: 1 failed, 9 unsent"


def test_a_case_without_problems_has_no_findings() -> None:
    assert list(findings(case())) == []


def with_fault(kind: str) -> CaseSummary:
    fault = FaultSummary(
        fault=kind, worker=None, asked_s=1.0, effect_s=1.002, reverted_s=2.003, error=""
    )
    run = RunSummary(
        slug="prefork/1",
        measures={},
        faults=[fault],
        instrument=Instrument(fitness=Fitness.OK, reasons=[]),
        invalid=[],
        overhead_s=0.1,
    )
    return case(runs=[run])


def test_a_fault_is_reported_with_its_instants() -> None:
    lines = ["prefork: pause at 1.002 s, undone at 2.003 s"]
    assert list(remarks(with_fault("pause"))) == lines


def test_a_fault_of_an_instant_is_reported_with_the_end_of_its_consequence() -> None:
    (run,) = with_fault("kill-worker").runs
    changes = {"reverted_s": None, "over_s": 1.25, "worker": 2}
    killed = case(
        runs=[run.model_copy(update={"faults": [run.faults[0].model_copy(update=changes)]})]
    )
    assert list(remarks(killed)) == ["prefork: kill-worker 2 at 1.002 s, over at 1.250 s"]


def test_a_proxy_in_the_path_is_reported() -> None:
    assert list(remarks(with_fault("latency"))) == [
        "prefork: clients connected through the fault proxy; all figures include its delay",
        "prefork: latency at 1.002 s, undone at 2.003 s",
    ]


@pytest.mark.parametrize(
    ("twin", "lines"),
    [
        (None, []),
        (TwinSummary(remark="x has no twin"), []),  # a case without a twin is only in the summary
        (TwinSummary(remark=""), []),
        (
            TwinSummary(remark="no twin of a loop that computes", lacks_load=True),
            ["prefork: no twin of a loop that computes"],
        ),
        (
            TwinSummary(remark="the twin does not apply", overhead_s={"request": 1.0}),
            ["prefork: the twin does not apply"],
        ),
        (
            TwinSummary(remark="p99 is 2 s, predicted 1 s", part="time_in_service", grew_s=1.0),
            ["prefork: p99 is 2 s, predicted 1 s"],
        ),
    ],
)
def test_a_run_that_diverges_from_its_twin_is_reported(
    twin: TwinSummary | None, lines: list[str]
) -> None:
    (run,) = with_fault("pause").runs
    alone = run.model_copy(update={"faults": [], "twin": twin})
    assert list(remarks(case(runs=[alone]))) == lines
    both = [line.replace("prefork: ", "prefork: repeat 2: ") for line in lines]
    first = alone.model_copy(update={"twin": None})
    assert list(remarks(case(runs=[first, alone]))) == both


def test_overhead_is_reported_for_each_case() -> None:
    line = overheads(summary(case("single", overhead_s=1.2), case("epoll")))
    assert line == "time added by the orchestrator: single 1.200 s, epoll 412.0 ms"


def test_a_hostile_name_stays_on_its_line_and_obeys_no_terminal() -> None:
    hostile = case(name=HOSTILE, invalid=[HOSTILE + "\n"])
    lines = [*findings(hostile), verdict(summary(hostile)), overheads(summary(hostile))]
    assert all(line.isprintable() for line in lines)


def ran(repeat: int, again: int = 0) -> RunSummary:
    return RUN.model_copy(update={"slug": f"a/{repeat}+{again}", "repeat": repeat})


@pytest.mark.parametrize(
    ("cases", "line"),
    [
        ([case(runs=[ran(1), ran(2)])], ""),
        ([case(runs=[ran(1, 1)], disturbed=[ran(1)])],
         "1 of 2 runs was disturbed by other programs and repeated"),
        ([case(runs=[ran(n) for n in range(1, 6)]),
          case(runs=[ran(1), ran(2, 1)], disturbed=[ran(2), ran(2)])],
         "2 of 9 runs were disturbed by other programs and repeated"),
        ([case(runs=[ran(n) for n in range(1, 7)], disturbed=[ran(7), ran(7, 1)])],
         "2 of 8 runs were disturbed by other programs and do not count; 0 repeated"),
    ],
)  # fmt: skip
def test_disturbed_runs_are_counted(cases: list[CaseSummary], line: str) -> None:
    assert disturbances(summary(*cases)) == line


def test_disturbed_runs_are_in_every_output() -> None:
    lost = ran(1).model_copy(update={"invalid": ["host_delay < 5% does not hold"]})
    campaign = summary(case(runs=[ran(1, 1)], disturbed=[lost]))
    line = "1 of 2 runs was disturbed by other programs and repeated"
    console = Console(file=io.StringIO(), width=120)
    print_table(console, campaign)
    page = html_report(reported(campaign))
    assert line in console.file.getvalue()  # type: ignore[attr-defined]
    assert line in step_summary(campaign)
    assert line in page
    assert "was disturbed and does not count: host_delay &lt; 5% does not hold" in page


@pytest.mark.parametrize(
    ("kind", "is_named"), [(ReasonKind.DISTURBED_HOST, True), (ReasonKind.LOST_REPLICA, False)]
)
def test_a_guess_counts_on_a_busy_host_with_a_word(kind: ReasonKind, is_named: bool) -> None:
    guess = Guess(expression="makespan < 1s", grade=Grade.WRONG, measured="1.1 s",
                  twin=Grade.RIGHT, predicted="0.9 s")  # fmt: skip
    disturbed = case(guesses=[guess], invalid=["busy"], invalid_kinds=[kind])
    (line,) = guesses(summary(disturbed))
    assert line.startswith("prefork: your guess makespan < 1s: wrong; measured 1.1 s")
    assert line.endswith("the host was busy, so the measured value may be off, but the guess "
                         "counts") == is_named  # fmt: skip


def test_the_runs_of_a_campaign_that_broke_are_those_of_the_plan() -> None:
    found = case(runs=[ran(1), ran(2, 1)], disturbed=[ran(2), ran(3)])
    broken = summary(found, status=Status.BROKEN, planned_cases=1, planned_runs=4)
    assert verdict(broken) == "broken after 3 of 4 runs"


MINE = Guess(
    expression="makespan ~= 1s within 10%",
    grade=Grade.WRONG,
    measured="2.0 s",
    twin=Grade.WRONG,
    predicted="1.9 s",
)
OPEN = {"expression": "makespan ~= ? within 10%", "grade": Grade.NO_GUESS, "twin": Grade.NO_GUESS}
PAUSE = FaultSummary(
    fault="pause", worker=None, asked_s=1.0, effect_s=1.0, reverted_s=2.0, error=""
)


def test_a_fault_by_hand_is_named_in_whichever_run_it_was() -> None:
    by_hand = PAUSE.model_copy(update={"is_by_hand": True})
    runs = [
        RUN.model_copy(update={"faults": faults}) for faults in ([PAUSE, by_hand], [PAUSE, by_hand])
    ]
    assert [line for line in remarks(case(runs=runs)) if "pause" in line] == [
        "prefork: pause at 1.000 s, undone at 2.000 s",
        "prefork: pause (by hand) at 1.000 s, undone at 2.000 s",
        "prefork: run 2: pause (by hand) at 1.000 s, undone at 2.000 s",
    ]


@pytest.mark.parametrize(
    ("guess", "faults", "line"),
    [
        (MINE, [], "your guess makespan ~= 1s within 10%: wrong; measured 2.0 s, predicted by"
         " the twin 1.9 s"),
        (MINE, [PAUSE], "your guess makespan ~= 1s within 10%: wrong; measured 2.0 s, predicted by"
         " the twin without the faults 1.9 s"),
        (MINE.model_copy(update=OPEN), [], "no guess was made for makespan ~= ? within 10%;"
         " measured 2.0 s, predicted by the twin 1.9 s"),
    ],
)  # fmt: skip
def test_a_guess_is_called_yours_only_if_you_made_it(
    guess: Guess, faults: list[FaultSummary], line: str
) -> None:
    """Nor is what the twin says without a fault shown as the theory of a run with one."""
    run = RUN.model_copy(update={"faults": faults})
    assert [*guesses(summary(case(guesses=[guess], runs=[run])))] == [f"prefork: {line}"]
