"""From measured values to the verdict on a claim, and its standing."""

from pathlib import Path

import pytest

from orchestrator.campaign.claims import exit_code, not_measured, standing_of
from orchestrator.results.reproduction import Standing, Verdict
from orchestrator.scenario.scenario import Scenario
from tests.unit.orchestrator.campaign.claim_fixtures import (
    SCENARIO,
    at_least,
    scenario_of,
    verdicts,
)

REPRODUCED, INVERTED, UNDECIDED = Verdict
SLOW, FAST = [2.0, 2.1, 2.2, 1.9, 2.0], [1.0, 1.1, 1.0, 0.9, 1.0]


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return scenario_of(tmp_path)


def test_what_holds_in_every_round_is_reproduced_and_its_contrary_is_inverted(
    scenario: Scenario,
) -> None:
    faster, tenth = verdicts(scenario, SLOW, FAST)
    assert (faster.verdict, faster.standing) == (REPRODUCED, Standing.AS_KNOWN)
    assert faster.reason == "confidence that it holds: 96.9%"
    assert (tenth.verdict, tenth.standing) == (INVERTED, Standing.AS_KNOWN)
    assert tenth.reason == "confidence that it holds: 3.1%"
    assert exit_code([faster, tenth]) == 0


def test_a_verdict_that_contradicts_what_is_known_fails(scenario: Scenario) -> None:
    faster, tenth = verdicts(scenario, FAST, SLOW)
    assert (faster.verdict, faster.standing) == (INVERTED, Standing.CONTRADICTS)
    assert exit_code([faster, tenth]) == 1
    very_fast = verdicts(scenario, SLOW, [0.1] * 5)[1]
    assert (very_fast.verdict, very_fast.standing) == (REPRODUCED, Standing.CONTRADICTS)


def test_one_round_of_five_that_differs_leaves_it_undecided(scenario: Scenario) -> None:
    faster, tenth = verdicts(scenario, SLOW, [*FAST[:4], 3.0])
    assert (faster.verdict, faster.standing) == (UNDECIDED, Standing.UNDECIDED)
    assert faster.reason == "confidence that it holds: 81.2%"
    assert tenth.verdict is INVERTED
    assert exit_code([faster, tenth]) == 4


def test_a_published_figure_stands_beside_the_median_and_its_interval(scenario: Scenario) -> None:
    (cell,) = verdicts(scenario, SLOW, FAST)[0].cells
    assert (cell.of, cell.published, cell.measured) == ("makespan(single)", "2 s", "2 s")
    assert (cell.value, cell.low, cell.high) == (2.0, 1.9, 2.2)
    assert cell.interval == "1.9 s to 2.2 s"
    assert cell.coverage == 0.9375


def test_the_interval_of_two_rounds_covers_the_median_by_chance_only(scenario: Scenario) -> None:
    (cell,) = verdicts(scenario, SLOW[:2], FAST[:2])[0].cells
    assert (cell.interval, cell.coverage) == ("2 s to 2.1 s", 0.5)
    (alone,) = verdicts(scenario, SLOW[:1], FAST[:1])[0].cells
    assert (alone.interval, alone.coverage) == ("", None)


def test_without_published_figures_both_sides_are_shown(scenario: Scenario) -> None:
    cells = verdicts(scenario, SLOW, FAST)[1].cells
    assert [(cell.of, cell.published, cell.measured) for cell in cells] == [
        ("makespan(epoll)", "", "1 s"),
        ("0.1 * makespan(single)", "", "200 ms"),
    ]


def test_a_share_is_shown_as_the_source_prints_it(tmp_path: Path) -> None:
    text = SCENARIO.replace(
        "{of: makespan(single), figure: 2 s}",
        "{of: makespan(epoll) / makespan(single), figure: 53.9%}",
    )
    (cell,) = verdicts(scenario_of(tmp_path, text), [2.0] * 5, FAST)[0].cells
    assert (cell.measured, cell.interval) == ("50%", "45% to 55%")


def test_a_time_above_single_that_is_unknown_has_its_reason(tmp_path: Path) -> None:
    text = SCENARIO.replace(
        "makespan(epoll) < makespan(single)",
        "process_control_cpu_time(epoll) < process_control_cpu_time(threaded)",
    )
    claim, _ = verdicts(scenario_of(tmp_path, text), SLOW, FAST)
    assert claim.verdict is UNDECIDED
    assert "; single had another load: " in claim.reason


def test_a_lower_bound_is_marked_and_has_no_interval(scenario: Scenario) -> None:
    (claim, _) = verdicts(scenario, at_least(*(2.0,) * 5), FAST)
    (cell,) = claim.cells
    assert (cell.measured, cell.interval, cell.low) == ("≥ 2 s", "", None)
    assert claim.verdict is REPRODUCED  # whatever the true value is


def test_what_was_not_measured_is_undecided(scenario: Scenario) -> None:
    claim = verdicts(scenario, [None] * 5, FAST)[0]
    assert (claim.verdict, claim.standing) == (UNDECIDED, Standing.UNDECIDED)
    assert claim.cells[0].measured == ""
    (absent, _) = not_measured(scenario.claims, "no engine")
    assert (absent.verdict, absent.reason, absent.cells) == (UNDECIDED, "no engine", [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"failed": [1.0] * 5}, "single: expected failed == 0 (failed)"),
        (
            {"failed": [0.0, 1.0, 0.0, 0.0, 2.0]},
            "single: expected failed == 0 (failed in 2 of 5 rounds: 2, 5)",
        ),
        (
            {"failed": [0.0, 0.0, None, 0.0, 1.0]},
            "failed == 0 (unknown in 1 of 5 rounds: 3; failed in 1 of 5 rounds: 5)",
        ),
        ({"invalid": ["a line is missing"]}, "single: invalid as a measurement, repeat 1: a line"),
    ],
)
def test_a_case_that_is_no_measurement_decides_nothing(
    scenario: Scenario, changes: dict[str, object], reason: str
) -> None:
    claim = verdicts(scenario, SLOW, FAST, single=changes)[0]
    assert (claim.verdict, claim.standing) == (UNDECIDED, Standing.UNDECIDED)
    assert reason in claim.reason
    assert claim.cells[0].measured == "2 s"


def test_a_case_that_the_claim_does_not_name_has_no_say(scenario: Scenario) -> None:
    claim = verdicts(scenario, SLOW, FAST, threaded={"failed": [1.0] * 5})[0]
    assert claim.verdict is REPRODUCED


def test_an_expectation_with_a_confidence_is_one_of_the_whole_case(tmp_path: Path) -> None:
    text = SCENARIO.replace("repeats: 5", "repeats: 8").replace("== 0]", "== 0 with 95%]")
    few, many = ([*(0.0,) * (8 - each), *(1.0,) * each] for each in (1, 2))
    scenario = scenario_of(tmp_path, text)
    assert verdicts(scenario, [2.0] * 8, [1.0] * 8, single={"failed": few})[0].verdict is REPRODUCED
    claim = verdicts(scenario, [2.0] * 8, [1.0] * 8, single={"failed": many})[0]
    assert claim.verdict is UNDECIDED
    assert claim.reason == "single: expected failed == 0 with 95% (inconclusive)"


def test_a_campaign_that_ended_early_decides_by_the_rounds_that_it_has(scenario: Scenario) -> None:
    claim = verdicts(scenario, SLOW[:2], FAST[:2])[0]
    assert claim.verdict is UNDECIDED
    assert claim.reason == "2 repeats; confidence needs at least 5"


def test_with_too_few_rounds_not_even_an_undecided_claim_is_as_known(tmp_path: Path) -> None:
    text = SCENARIO.replace("known: inverted", "known: undecided")
    claim = verdicts(scenario_of(tmp_path, text), SLOW[:4], FAST[:4])[1]
    assert (claim.verdict, claim.standing) == (UNDECIDED, Standing.UNDECIDED)
    assert exit_code([claim]) == 4


def test_claims_that_are_as_known_by_a_part_of_their_rounds_are_not_all_that_was_asked(
    scenario: Scenario,
) -> None:
    claims = verdicts(scenario, SLOW, FAST)
    assert [exit_code(claims, is_complete=each) for each in (True, False)] == [0, 4]
    contrary = verdicts(scenario, FAST, SLOW)
    assert exit_code(contrary, is_complete=False) == 1


def test_cases_of_a_matrix_are_compared_by_their_points(tmp_path: Path) -> None:
    text = SCENARIO[: SCENARIO.index("claims:")] + (
        "matrix: {users: [2, 4]}\n"
        "claims: [{says: More takes longer., known: reproduced, expression:"
        " 'makespan(single, users=4) > makespan(epoll, users=2)'}]\n"
    )
    (claim,) = verdicts(scenario_of(tmp_path, text), SLOW, FAST)
    assert claim.verdict is REPRODUCED
    assert [cell.of for cell in claim.cells] == [
        "makespan(single, users=4)",
        "makespan(epoll, users=2)",
    ]


@pytest.mark.parametrize(
    ("verdict", "known", "standing"),
    [
        (REPRODUCED, REPRODUCED, Standing.AS_KNOWN),
        (REPRODUCED, INVERTED, Standing.CONTRADICTS),
        (INVERTED, REPRODUCED, Standing.CONTRADICTS),
        (UNDECIDED, REPRODUCED, Standing.UNDECIDED),
        (UNDECIDED, UNDECIDED, Standing.AS_KNOWN),
        (INVERTED, UNDECIDED, Standing.NEW),
    ],
)
def test_the_standing_of_a_verdict(verdict: Verdict, known: Verdict, standing: Standing) -> None:
    assert standing_of(verdict, known) is standing


def test_what_is_known_to_be_undecided_was_measured_all_the_same() -> None:
    assert standing_of(UNDECIDED, UNDECIDED, is_measured=False) is Standing.UNDECIDED
