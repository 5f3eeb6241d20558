import pytest

from orchestrator.campaign.caveat import caveat
from orchestrator.results.summary import (
    CaseSummary,
    Comparison,
    Fitness,
    Instrument,
    ReasonKind,
    RunSummary,
    Status,
)
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    PASSED,
    UNKNOWN,
    case,
    summary,
)

BUSY = "host_busy < 25% does not hold, 99% vs 25%"
RUN = RunSummary(
    slug="prefork/1",
    seed=1,
    measures={},
    instrument=Instrument(fitness=Fitness.OK, reasons=[]),
    invalid=[],
    overhead_s=0.1,
)


def invalid(model: str, kind: ReasonKind = ReasonKind.DISTURBED_HOST) -> CaseSummary:
    return case(model, invalid=[BUSY], invalid_kinds=[kind])


def test_a_campaign_in_which_all_went_well_has_none() -> None:
    assert caveat(summary(case(), case("epoll"))) == ""


def test_a_broken_rule_about_clients_or_servers_is_not_blamed_on_the_host() -> None:
    slow = "client_bottlenecks == 0 does not hold, 1 vs 0"
    found = caveat(summary(case("a", invalid=[slow], invalid_kinds=[ReasonKind.DISTURBED_RUN])))
    assert found == f"Caution: what was measured is invalid during the run: {slow}."


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([invalid("a"), case()],
         "Caution: the host was disturbed in a, so these figures may be wrong."),
        ([invalid("a"), invalid("b")],
         "Caution: the host was disturbed in every case, so these figures may be wrong."),
        ([invalid("a")],
         "Caution: the host was disturbed during the run, so these figures may be wrong."),
        ([*(invalid(name) for name in "abcde"), case()],
         "Caution: the host was disturbed in 5 of 6 cases, so these figures may be wrong."),
        ([invalid("a", ReasonKind.BROKEN_LAW), case()],
         f"Caution: what was measured is invalid in a: {BUSY}."),
        ([case(expectations=[PASSED, FAILED])],
         f"Caution: 1 of 2 expectations failed (prefork: {FAILED.expression}, "
         "2.513 s vs 1.000 s)."),
        ([case(expectations=[UNKNOWN])],
         "Caution: 1 of 1 expectation undecided (cpu_time < 1s)."),
    ],
)  # fmt: skip
def test_a_caveat_is_one_sentence_that_names_the_reason(
    cases: list[CaseSummary], expected: str
) -> None:
    assert caveat(summary(*cases)) == expected


def test_what_is_undecided_since_a_case_is_invalid_is_not_another_reason() -> None:
    found = caveat(summary(invalid("a"), case(expectations=[UNKNOWN])))
    assert "undecided" not in found


def test_an_interrupt_is_named_with_how_far_it_came() -> None:
    ran = case(runs=[RUN])
    found = caveat(summary(ran, status=Status.INTERRUPTED, planned_cases=4, planned_runs=20))
    assert found == "Caution: the campaign was interrupted after 1 of 20 runs."


def test_repeats_that_do_not_count_are_named_even_if_the_case_is_valid() -> None:
    found = caveat(summary(case(runs=[RUN] * 6), planned_runs=7))
    assert found == "Caution: 1 of 7 repeats was disturbed and not repeated, during the run."


def test_a_failed_comparison_is_one_too() -> None:
    found = caveat(summary(case(), comparisons=[Comparison(axes={}, expectations=[FAILED])]))
    assert found.startswith("Caution: 1 of 2 expectations failed (compare: ")
