"""Which group is searched, and the cases of its trials."""

import pytest

from orchestrator.capacity.searched_group import SearchedGroup, TrialLoad, find_searched
from orchestrator.results.capacity import LoadKind
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.clients import ClosedGroup, OpenGroup
from orchestrator.scenario.plan import Case, plan_cases
from tests.unit.orchestrator.capacity.trial_fixtures import CLOSED, OPEN, scenario_of

TRIAL = TrialLoad(load=137.5, duration_s=16.25, warmup_s=1.5, seed=9)


def searched(clients: str) -> tuple[SearchedGroup, Case]:
    scenario = scenario_of(clients)
    return find_searched(scenario), plan_cases(scenario)[0]


def named(group: str, name: str) -> str:
    return group.replace("{", f"{{name: {name}, ")


def test_a_trial_has_its_own_rate_duration_and_seed_and_random_arrivals() -> None:
    group, case = searched(OPEN)
    assert (group.name, group.kind) == ("clients", LoadKind.RATE)
    found = group.at(case, TRIAL, {"response_time": ["p95"]})
    (load,) = found.groups
    assert isinstance(load, OpenGroup)
    assert (load.rate, load.duration, load.arrivals) == ("137.5/s", "16.25s", "poisson")
    assert (found.seed, found.warmup_s) == (9, 1.5)
    assert found.percentiles == {"response_time": ("p95",)}
    assert not group.is_constant(case)


def test_arrivals_at_constant_intervals_stay_if_the_scenario_asks_for_them() -> None:
    group, case = searched(OPEN.replace("{", "{arrivals: constant, "))
    (load,) = group.at(case, TRIAL, {}).groups
    assert isinstance(load, OpenGroup)
    assert load.arrivals == "constant"
    assert group.is_constant(case)


def test_users_are_whole_and_send_until_the_end() -> None:
    group, case = searched(CLOSED)
    (load,) = group.at(case, TRIAL, {}).groups
    assert isinstance(load, ClosedGroup)
    assert (load.users, load.messages, load.duration) == (138, None, "16.25s")
    assert group.kind is LoadKind.USERS


def test_the_others_keep_their_load_while_the_open_group_is_searched() -> None:
    group, case = searched(f"{named(CLOSED, 'steady')}, {named(OPEN, 'burst')}")
    assert (group.index, group.name) == (1, "burst")
    steady, _ = group.at(case, TRIAL, {}).groups
    assert isinstance(steady, ClosedGroup)
    assert (steady.users, steady.duration) == (7, "16.25s")


@pytest.mark.parametrize(
    ("clients", "message"),
    [
        ("{executor: ramp, connections: each, stages: [{duration: 4s, rate: 10/s}]}", "is a ramp"),
        (f"{named(OPEN, 'a')}, {named(OPEN, 'b')}", "2 of the groups a, b are open"),
        (f"{named(CLOSED, 'a')}, {named(CLOSED, 'b')}", "none of the groups a, b is open"),
    ],
)
def test_a_load_that_is_not_one_number_is_refused(clients: str, message: str) -> None:
    with pytest.raises(MisuseError, match=message):
        find_searched(scenario_of(clients))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("matrix: {rate: [10/s, 20/s]}\n", "rate is an axis of the matrix"),
        ("faults: [{fault: kill, at: 1s}]\n", "has faults"),
    ],
)
def test_what_a_search_cannot_keep_is_refused(more: str, message: str) -> None:
    with pytest.raises(MisuseError, match=message):
        find_searched(scenario_of(more=more))


def test_a_think_time_that_is_tuned_for_one_load_is_refused() -> None:
    tuned = CLOSED.replace("}", ", think_time: tuned(utilization=70%)}")
    with pytest.raises(MisuseError, match="think_time of clients is tuned for one load"):
        find_searched(scenario_of(tuned))
    with pytest.raises(MisuseError, match="think_time of b is tuned for one load"):
        find_searched(scenario_of(f"{named(OPEN, 'a')}, {named(tuned, 'b')}"))


def test_without_a_twin_the_first_load_keeps_all_workers_busy() -> None:
    group, case = searched(OPEN)
    assert group.guess(case, 4) == pytest.approx(200.0)
    assert group.guess(case, None) == pytest.approx(100.0)  # a loop: that of the scenario
    group, case = searched(CLOSED)
    assert group.guess(case, 4) == pytest.approx(16.0)  # each is served a quarter of its time


def test_users_send_no_faster_than_the_workers_serve() -> None:
    group, case = searched(CLOSED)
    assert group.throughput_per_s(case, 4, 4) == pytest.approx(50.0)
    assert group.throughput_per_s(case, 400, 4) == pytest.approx(200.0)
    assert group.throughput_per_s(case, 400, None) == pytest.approx(5000.0)


def test_a_load_has_a_text_and_a_name_for_folders() -> None:
    rate, users = searched(OPEN)[0], searched(CLOSED)[0]
    assert (rate.slug(187.5), users.slug(40.0)) == ("187.5-per-s", "40-users")
    assert users.text(40.0) == "40 users"
