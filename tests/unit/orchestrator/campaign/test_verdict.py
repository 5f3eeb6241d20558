import pytest

from orchestrator.campaign.verdict import exit_code, judge
from orchestrator.measures.expression import parse_expression
from orchestrator.results.summary import (
    CaseSummary,
    Comparison,
    Expectation,
    Fitness,
    Instrument,
    Outcome,
    Status,
)

FAILED, PASSED, UNKNOWN = Outcome.FAILED, Outcome.PASSED, Outcome.UNKNOWN
SOUND = {"timed_out": 0.0, "server_exit_code": 0.0, "failed": 0.0, "makespan": 1.5}


def case(*outcomes: Outcome, invalid: tuple[str, ...] = (), expression: str = "x") -> CaseSummary:
    expectations = [
        Expectation(expression=expression, outcome=each, left="1", right="2") for each in outcomes
    ]
    return CaseSummary(
        name="single",
        model="single",
        slug="single",
        axes={},
        measures={},
        instrument=Instrument(fitness=Fitness.OK, reasons=[]),
        expectations=expectations,
        invalid=list(invalid),
        overhead_s=1.0,
    )


def test_both_sides_come_back_as_people_read_them() -> None:
    (found, *_) = judge([parse_expression("makespan < 2s / 2")], SOUND)
    assert found.outcome is Outcome.FAILED
    assert (found.left, found.right) == ("1.500 s", "1.000 s")


def test_every_case_is_expected_to_end_and_to_end_well() -> None:
    implied = judge([], SOUND)
    assert [each.expression for each in implied] == ["timed_out == 0", "server_exit_code == 0"]
    assert {each.outcome for each in implied} == {Outcome.PASSED}


def test_a_scenario_that_names_a_measure_has_its_own_say() -> None:
    found = judge([parse_expression("timed_out == 3")], SOUND | {"timed_out": 3.0})
    assert [each.expression for each in found] == ["timed_out == 3", "server_exit_code == 0"]


def test_a_group_has_its_own_say() -> None:
    texts = ("slow.p99 > 2 * fast.p99", "slow.errors == 0", "gone.errors == 0")
    of_groups = {
        "slow.response_time_p99": 0.5,
        "slow.errors": 1.0,
        "fast.response_time_p99": 0.1,
    }
    found = judge([parse_expression(text) for text in texts], SOUND | of_groups)
    assert [each.outcome for each in found[:3]] == [PASSED, FAILED, UNKNOWN]
    assert found[2].reason == "gone.errors is unknown"


@pytest.mark.parametrize(
    ("makespans", "outcome", "reason"),
    [
        ([1.0] * 6, PASSED, "confidence that it holds: 98.4%"),
        ([3.0] * 6, FAILED, "confidence that it holds: 1.6%"),
        ([1.0, 3.0] * 3, Outcome.INCONCLUSIVE, "confidence that it holds: 65.6%"),
        ([1.0] * 4, Outcome.INCONCLUSIVE, "4 repeats; confidence needs at least 5"),
        ([1.0], Outcome.INCONCLUSIVE, "1 repeat; confidence needs at least 5"),
    ],
)
def test_confidence_is_borne_by_repeats(
    makespans: list[float], outcome: Outcome, reason: str
) -> None:
    repeats = [SOUND | {"makespan": each} for each in makespans]
    expectation = parse_expression("makespan < 2s with 95%")
    (found, *_) = judge([expectation], SOUND | {"makespan": 1.0}, repeats)
    assert found.outcome is outcome
    assert reason in found.reason


def test_a_higher_confidence_needs_more_repeats() -> None:
    repeats = [SOUND | {"makespan": 1.0}] * 6
    expectation = parse_expression("makespan < 2s with 99%")
    (found, *_) = judge([expectation], SOUND | {"makespan": 1.0}, repeats)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.reason == "6 repeats; confidence needs at least 7"


def test_what_was_not_measured_has_not_passed() -> None:
    (found, *_) = judge([parse_expression("cpu_time < 1s")], SOUND | {"cpu_time": None})
    assert found.outcome is Outcome.UNKNOWN
    assert "cpu_time" in found.reason


@pytest.mark.parametrize(
    ("cases", "code"),
    [
        ([case(PASSED)], 0),
        ([case(PASSED), case(PASSED, FAILED)], 1),
        ([case(PASSED, UNKNOWN)], 4),
        ([case(PASSED, invalid=("lost lines",))], 4),
        ([case(PASSED, Outcome.INCONCLUSIVE)], 4),
        # No expectation of a case that is no measurement counts, but the other cases' do.
        ([case(FAILED, invalid=("lost lines",))], 4),
        ([case(FAILED, invalid=("lost lines",)), case(FAILED)], 1),
        # That a server crashed is true however incomplete its log is.
        ([case(FAILED, invalid=("no last line",), expression="server_exit_code == 0")], 1),
    ],
)
def test_exit_code_of_a_complete_campaign(cases: list[CaseSummary], code: int) -> None:
    assert exit_code(Status.COMPLETE, cases) == code


@pytest.mark.parametrize(
    ("outcome", "code"), [(PASSED, 0), (FAILED, 1), (UNKNOWN, 4), (Outcome.INCONCLUSIVE, 4)]
)
def test_what_is_expected_between_models_counts(outcome: Outcome, code: int) -> None:
    found = Comparison(axes={}, expectations=case(outcome).expectations)
    assert exit_code(Status.COMPLETE, [case(PASSED)], [found]) == code


def test_invalid_cases_count_where_that_is_accepted() -> None:
    noisy = [case(FAILED, invalid=("host busy",))]
    assert exit_code(Status.COMPLETE, noisy) == 4
    assert exit_code(Status.COMPLETE, noisy, accept_invalid=True) == 1
    assert exit_code(Status.COMPLETE, [case(PASSED, invalid=("host busy",))]) == 4
    accepted = [case(PASSED, invalid=("host busy",))]
    assert exit_code(Status.COMPLETE, accepted, accept_invalid=True) == 0


def test_a_campaign_that_did_not_end_says_so_before_all_else() -> None:
    assert exit_code(Status.BROKEN, [case(FAILED)]) == 3
    assert exit_code(Status.INTERRUPTED, [case(FAILED)]) == 130
