"""What the page of the claims says of a world that is broken on purpose: they come out contrary.

A budget of retries that clients ignore is simulated; a setting of the kernel is swapped.
"""

import pytest

from labkit.workload.retries import RetryBudget
from orchestrator.campaign.claims import exit_code
from orchestrator.results.reproduction import Standing, Verdict
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Run
from orchestrator.twin.parameters import TYPICAL
from orchestrator.twin.predict import predict
from tests.unit.docs.claim_file_fixtures import Measured, verdicts

REPRODUCED, INVERTED, UNDECIDED = Verdict
AS_KNOWN, CONTRADICTS = Standing.AS_KNOWN, Standing.CONTRADICTS
CPUS = 2.0
SETTING = "net.ipv4.tcp_migrate_req"


def simulated(run: Run) -> Measured:
    """Return what the twin measures, with the overhead of a typical machine."""
    found = predict(run.case, discover_twins(), CPUS, TYPICAL).as_measured
    return {**found, "errors": found["timed_out"], "dropped": 0.0, "unsent": 0.0}


def test_an_overload_ends_or_stays_by_its_budget_of_retries() -> None:
    ends, stays = verdicts("metastable", simulated)
    assert (ends.verdict, stays.verdict) == (REPRODUCED, REPRODUCED)
    assert exit_code([ends, stays]) == 0
    ended, stayed = ends.cells[0].value, stays.cells[0].value
    assert ended is not None
    assert ended > 150  # nearly all of 160/s; those due last are acked when the window is over
    assert stayed == 0


def test_a_client_that_ignores_its_budget_inverts_the_claim_that_the_overload_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RetryBudget, "withdraw", lambda _: True)
    ends, stays = verdicts("metastable", simulated)
    assert (ends.verdict, ends.standing) == (INVERTED, CONTRADICTS)
    assert stays.verdict is REPRODUCED
    assert exit_code([ends, stays]) == 1


def test_with_its_budgets_swapped_both_claims_about_retries_are_inverted() -> None:
    found = verdicts("metastable", simulated, {"ends": "35%", "stays": "20%"})
    assert [each.verdict for each in found] == [INVERTED] * 2
    assert exit_code(found) == 1


def killed(run: Run) -> Measured:
    """Return what a kernel does that has the setting: 19 wait for the worker that is killed."""
    return lost_of_19(0 if run.case.axes[SETTING] == 1 else 19)


def lost_of_19(lost: float) -> Measured:
    """Return what is measured if so many connections are reset, and the others moved."""
    return {
        "failed": lost + 1,  # and the one in service
        "errors": lost + 1,
        "reset": lost + 1,
        "unsent": 0.0,
        "worker_deaths": 1.0,
        "accept_queue_reset": lost,
        "accept_queue_migrated": 19 - lost,
    }


def test_a_listener_that_closes_loses_its_queue_unless_the_kernel_moves_it() -> None:
    found = verdicts("closed_listener", killed)
    assert [each.verdict for each in found] == [REPRODUCED] * 2
    assert {each.standing for each in found} == {AS_KNOWN}


def test_with_the_setting_of_the_kernel_swapped_both_claims_are_inverted() -> None:
    found = verdicts("closed_listener", killed, {"lost": "1", "moved": "0"})
    assert [each.verdict for each in found] == [INVERTED] * 2
    assert {each.standing for each in found} == {CONTRADICTS}
    assert exit_code(found) == 1


def test_a_kernel_without_the_setting_inverts_the_claim_that_none_is_lost() -> None:
    loses, moves = verdicts("closed_listener", lambda _: lost_of_19(19))
    assert (loses.verdict, moves.verdict) == (REPRODUCED, INVERTED)


def test_a_minority_of_rounds_in_which_nobody_waited_leaves_both_claims_undecided() -> None:
    """By their medians, 17 were moved and the conditions hold; two rounds tested nothing."""
    moved = [0.0, 0.0, 17.0, 18.0, 20.0]

    def by_chance(run: Run) -> Measured:
        return {**lost_of_19(0), "accept_queue_migrated": moved[run.repeat - 1]}

    for claim in verdicts("closed_listener", by_chance):
        assert claim.verdict is UNDECIDED
        assert "accept_queue_migrated >= 1 (failed in 2 of 5 rounds: 1, 2)" in claim.reason
