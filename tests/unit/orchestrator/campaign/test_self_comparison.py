"""One version, run twice, must be split into halves that nothing but chance distinguishes."""

import pytest

from orchestrator.campaign.self_comparison import doubled, halves
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.plan import schedule
from orchestrator.scenario.scenario import Scenario
from tests.unit.orchestrator.campaign.test_comparison import repeated
from tests.unit.orchestrator.report.report_fixtures import summary
from tests.unit.orchestrator.scenario.test_plan import GROUP


def planned(repeats: int) -> Scenario:
    group = GROUP.model_copy(update={"demand": "sleep=exponential(1ms)"})
    return Scenario(
        intent="x", models=("single",), clients=(group,), repeats=repeats, order="sequential"
    )


def test_the_halves_take_turns_and_share_their_draws() -> None:
    twice = doubled(planned(5))
    seeds = [run.case.seed for run in schedule(twice, 2)]
    assert (twice.repeats, twice.order) == (10, "interleaved")
    assert seeds[::2] == seeds[1::2]
    assert len(set(seeds)) == 5


def test_each_half_is_first_in_every_second_pair() -> None:
    first, second = halves(summary(repeated([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])))
    key = "response_time_p99_s"
    assert [run.measures[key] for run in first.cases[0].runs] == [1, 4, 5]
    assert [run.measures[key] for run in second.cases[0].runs] == [2, 3, 6]
    assert [half.cases for half in halves(summary())] == [[], []]


@pytest.mark.parametrize("repeats", [1, 4, 26])
def test_too_few_and_too_many_repeats_are_refused_before_the_run(repeats: int) -> None:
    with pytest.raises(MisuseError, match=f"repeats: {repeats}; .* needs 5 to 25"):
        doubled(planned(repeats))
