from collections.abc import Sequence

import pytest

from labkit.wire.samples import FAILURES
from orchestrator.campaign.repeats import medians
from orchestrator.campaign.verdict import broken_rules, exit_code, judge, replaced_rules
from orchestrator.measures.bounds import AtLeast, Values
from orchestrator.measures.expression import parse_expression
from orchestrator.results.summary import (
    CaseSummary,
    Comparison,
    Expectation,
    Fitness,
    Instrument,
    Outcome,
    ReasonKind,
    Status,
)
from orchestrator.scenario.scenario import RULES

FAILED, PASSED, UNKNOWN = Outcome.FAILED, Outcome.PASSED, Outcome.UNKNOWN
SOUND = {"timed_out": 0.0, "server_exit_code": 0.0, "failed": 0.0, "makespan": 1.5}


def case(
    *outcomes: Outcome,
    invalid: tuple[str, ...] = (),
    kind: ReasonKind = ReasonKind.DISTURBED_HOST,
    expression: str = "x",
) -> CaseSummary:
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
        invalid_kinds=[kind] * len(invalid),
        overhead_s=1.0,
    )


def test_both_sides_come_back_as_people_read_them() -> None:
    (found, *_) = judge([parse_expression("makespan < 2s / 2")], SOUND)
    assert found.outcome is Outcome.FAILED
    assert (found.left, found.right) == ("1.500 s", "1.000 s")


def test_every_case_is_expected_to_end_and_to_end_well() -> None:
    implied = judge([], SOUND)
    assert [each.expression for each in implied] == ["timed_out == 0", "server_exit_code == 0"]
    assert all(each.is_implied for each in implied)
    assert {each.outcome for each in implied} == {Outcome.PASSED}


CLEAN = SOUND | {"errors": 0.0, "unsent": 0.0, "unanswered": 0.0} | dict.fromkeys(FAILURES, 0.0)


def judged(texts: Sequence[str], **values: float | None) -> dict[str, Outcome]:
    found = judge([parse_expression(text) for text in texts], CLEAN | values)
    return {each.expression: each.outcome for each in found}


def test_errors_and_unsent_messages_are_never_expected() -> None:
    assert judged([])["errors == 0"] is PASSED
    assert judged(["failed == 0"], errors=70.0, refused=70.0)["errors == 0"] is FAILED
    assert judged(["failed == 0"], unsent=3.0)["unsent == 0"] is FAILED


@pytest.mark.parametrize(
    ("named", "remains"),
    [
        ("errors > 0", None),
        ("errors + unsent > 0", None),
        ("refused == 3", "errors - refused == 0"),
        ("refused + reset > 0", "errors - refused - reset == 0"),
        ("failed <= 3", "errors == 0"),
        ("during.failed <= 3", "errors == 0"),
    ],
)
def test_a_waiver_is_by_name(named: str, remains: str | None) -> None:
    found = [each for each in judged([named], errors=3.0, refused=3.0) if each != named]
    assert [each for each in found if "errors" in each] == ([remains] if remains else [])


def test_a_kind_that_is_not_named_is_not_waived() -> None:
    found = judged(["refused == 3"], errors=5.0, refused=3.0, reset=2.0)
    assert found["errors - refused == 0"] is FAILED


def test_a_group_waives_for_itself_only() -> None:
    of_groups = {"rude.errors": 2.0, "polite.errors": 1.0}
    found = judge([parse_expression("rude.errors > 0")], CLEAN | {"errors": 3.0} | of_groups)
    outcomes = {each.expression: each.outcome for each in found}
    assert outcomes["polite.errors == 0"] is FAILED
    assert not {"errors == 0", "rude.errors == 0"} & outcomes.keys()


def test_what_is_always_expected_holds_in_each_repeat() -> None:
    repeats = [CLEAN, CLEAN | {"errors": 1.0}, CLEAN]
    found = {each.expression: each.outcome for each in judge([], CLEAN, repeats)}
    assert found["errors == 0"] is FAILED


@pytest.mark.parametrize("unanswered", [None, 1.0])
@pytest.mark.parametrize("named", ["failed == 0", "predicted.acked > 0", "makespan < 9s"])
def test_a_case_without_an_ack_has_measured_nothing(unanswered: float | None, named: str) -> None:
    assert judged([named], unanswered=unanswered)["acked > 0"] is UNKNOWN
    repeats: list[Values] = [CLEAN, {**CLEAN, "unanswered": unanswered}]
    found = {each.expression: each.outcome for each in judge([], CLEAN, repeats)}
    assert found["acked > 0"] is UNKNOWN


@pytest.mark.parametrize("named", ["acked == 0", "refused == 7", "errors > 0"])
def test_a_case_without_an_ack_may_be_what_is_expected(named: str) -> None:
    assert "acked > 0" not in judged([named], unanswered=None, errors=7.0, refused=7.0)


def idle(texts: Sequence[str], senders: Sequence[str]) -> list[str]:
    """Return what is unknown of a case whose group b had no message to send."""
    counts = {"a.sent": 9.0, "a.unsent": 0.0, "b.sent": 0.0, "b.unsent": 0.0}
    counts |= {"b.failed": 0.0, "b.acked": 0.0}
    found = judge([parse_expression(text) for text in texts], CLEAN | counts, (), senders)
    return [each.expression for each in found if each.outcome is UNKNOWN]


def test_a_group_without_a_message_has_measured_nothing() -> None:
    assert idle(["b.failed == 0"], ["a", "b"]) == ["b.sent > 0"]


def test_a_group_that_only_connects_needs_no_message() -> None:
    assert idle(["b.failed == 0"], ["a"]) == []


def test_a_group_without_a_message_may_be_what_is_expected() -> None:
    assert idle(["b.acked == 0"], ["a", "b"]) == []


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        ("p99 < 2s", UNKNOWN),
        ("p99 < 500ms", FAILED),
        ("p99 > 500ms", PASSED),
        ("p99 ~= 1s within 10%", UNKNOWN),
        ("p99 ~= 3s within 10%", UNKNOWN),
        ("p99 ~= 500ms within 10%", FAILED),
        ("2s - p99 > 0", UNKNOWN),
        ("p99 - makespan < 5s", UNKNOWN),
        ("makespan < 2s", PASSED),
    ],
)
def test_an_expectation_of_a_lower_bound(expression: str, outcome: Outcome) -> None:
    """The 99th percentile is at least 1 s, since messages have no answer."""
    bounded = CLEAN | {"response_time_p99": AtLeast(1.0)}
    found = judge([parse_expression(expression)], bounded)[0]
    assert found.outcome is outcome
    assert found.left.startswith("≥ " if expression.startswith("p99") else ("≤ ", "1.500"))


def test_confidence_in_a_lower_bound_is_that_of_all_that_it_allows() -> None:
    repeats = [CLEAN | {"response_time_p99": AtLeast(1.0)} for _ in range(6)]
    for expression, outcome in (("p99 < 2s with 95%", UNKNOWN), ("p99 > 500ms with 95%", PASSED)):
        found = judge([parse_expression(expression)], medians(repeats), repeats)[0]
        assert found.outcome is outcome


def test_repeats_that_a_lower_bound_leaves_open_neither_pass_nor_fail() -> None:
    exact, bound = ({"response_time_p99": p99} for p99 in (1.0, AtLeast(1.0)))
    repeats = [CLEAN | each for each in [exact] * 4 + [bound] * 2]
    found = judge([parse_expression("p99 < 2s with 95%")], medians(repeats), repeats)[0]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.reason == "confidence that it holds: 65.6% to 98.4%"


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


@pytest.mark.parametrize(
    "kind", sorted({*ReasonKind} - {ReasonKind.DISTURBED_HOST, ReasonKind.DISTURBED_RUN})
)
def test_only_a_disturbed_host_or_run_is_forgiven(kind: ReasonKind) -> None:
    doubtful = case(PASSED, invalid=("38 replicas were lost",), kind=kind)
    assert exit_code(Status.COMPLETE, [doubtful], accept_invalid=True) == 4
    both = doubtful.model_copy(
        update={"invalid": ["busy", "x"], "invalid_kinds": [ReasonKind.DISTURBED_HOST, kind]}
    )
    assert exit_code(Status.COMPLETE, [both], accept_invalid=True) == 4
    without_kind = doubtful.model_copy(update={"invalid_kinds": []})
    assert exit_code(Status.COMPLETE, [without_kind], accept_invalid=True) == 4


def test_a_campaign_that_did_not_end_says_so_before_all_else() -> None:
    assert exit_code(Status.BROKEN, [case(FAILED)]) == 3
    assert exit_code(Status.INTERRUPTED, [case(FAILED)]) == 130


@pytest.mark.parametrize(
    ("values", "broken"),
    [
        ({"host_delay": 0.01, "host_busy": 0.6}, []),
        ({"host_delay": 0.06, "host_busy": 0.05}, ["host_delay < 5%"]),
        ({"host_delay": 0.01, "host_busy": 0.8}, ["host_busy < 75%"]),
        ({"host_delay": None, "host_busy": 0.2}, []),
        ({"host_delay": None, "host_busy": 0.3}, ["host_busy < 25%"]),
        ({"host_delay": None, "host_busy": None}, []),
        ({"host_delay": 0.0, "client_bottlenecks": 1.0}, ["client_bottlenecks == 0"]),
    ],
)
def test_a_run_is_disturbed_by_what_others_delay_or_by_their_cpu_time_if_that_is_unknown(
    values: dict[str, float | None], broken: list[str]
) -> None:
    reasons = broken_rules(RULES, values)
    assert [each.text.partition(" does")[0] for each in reasons] == broken


def test_a_reason_names_the_machines_the_worst_first() -> None:
    shares = {"desk": 0.02, "laptop": 0.93, "board": None, "hub": 0.5, "tower": 0.01}
    machines = {name: {"host_busy": share} for name, share in shares.items()}
    rule = parse_expression("host_busy < 75%")
    (reason,) = broken_rules([rule], {"host_delay": 0.0, "host_busy": 0.93}, machines)
    named = "(laptop 93.0%, hub 50.0%, desk 2.0%, 1 more)"
    assert reason.text == f"host_busy < 75% does not hold, 93% vs 75% {named}"
    other = parse_expression("client_bottlenecks == 0")
    (reason,) = broken_rules([other], {"host_delay": 0.0, "client_bottlenecks": 1.0}, machines)
    assert "desk" not in reason.text


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("host_busy < 25%", ReasonKind.DISTURBED_HOST),
        ("orchestrator_cpu_share < 25%", ReasonKind.DISTURBED_HOST),
        ("client_bottlenecks < 0.25", ReasonKind.DISTURBED_RUN),
        ("makespan < 250ms", ReasonKind.DISTURBED_RUN),
    ],
)
def test_only_a_rule_about_the_host_shows_that_it_was_disturbed(
    rule: str, kind: ReasonKind
) -> None:
    expression = parse_expression(rule)
    values = {"host_delay": 0.0, **dict.fromkeys(expression.value_names, 1.0)}
    assert [each.kind for each in broken_rules([expression], values)] == [kind]


@pytest.mark.parametrize(
    ("delay", "busy", "is_replaced"), [(None, 0.1, True), (0.0, 0.1, False), (None, None, False)]
)
def test_a_rule_that_is_replaced_is_named(
    delay: float | None, busy: float | None, is_replaced: bool
) -> None:
    note = "host_delay is unknown, so host_busy < 25% was checked instead of host_delay < 5%"
    notes = list(replaced_rules(RULES, {"host_delay": delay, "host_busy": busy}))
    assert notes == ([note] if is_replaced else [])
