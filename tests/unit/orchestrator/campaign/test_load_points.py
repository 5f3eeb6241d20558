"""Cases side by side: their rounds, and the subjects that a comparison names."""

from pathlib import Path

from orchestrator.campaign.load_points import LoadPoint, between, complete_load_points
from orchestrator.measures.expression import parse_term
from orchestrator.scenario.plan import schedule
from tests.unit.orchestrator.campaign.claim_fixtures import SCENARIO, evaluation, scenario_of

SWEPT = SCENARIO[: SCENARIO.index("source:")] + (
    "models: [single, epoll]\n"
    "clients: [{executor: closed, users: 2, messages: 1, demand: sleep=1ms}]\n"
    "repeats: 2\nmatrix: {users: [2, 4]}\n"
)


def load_points(folder: Path, *left_out: str) -> list[LoadPoint]:
    scenario = scenario_of(folder, SWEPT)
    runs = [run for run in schedule(scenario) if run.case.name not in left_out]
    by_case = {
        name: [evaluation(run, float(run.repeat)) for run in runs if run.case.name == name]
        for name in dict.fromkeys(run.case.name for run in runs)
    }
    return list(complete_load_points(scenario, list(by_case.values())))


def test_a_point_is_complete_with_all_models(tmp_path: Path) -> None:
    assert [each.axes for each in load_points(tmp_path)] == [{"users": 2}, {"users": 4}]
    assert [each.axes for each in load_points(tmp_path, "epoll,users=4")] == [{"users": 2}]


def test_a_round_has_the_values_of_each_model_and_the_inputs(tmp_path: Path) -> None:
    first, second = load_points(tmp_path)[0].values
    assert (first["makespan(single)"], second["makespan(epoll)"]) == (1.0, 2.0)
    assert first["users"] == 2.0
    (alone, _) = load_points(tmp_path)[0].only(["epoll"]).values
    assert "makespan(single)" not in alone


def test_subjects_between_points_share_inputs_only_if_they_are_equal(tmp_path: Path) -> None:
    term = parse_term("makespan(single, users=2) / makespan(epoll, users=4)")
    (joined,) = between(term.names, load_points(tmp_path))
    assert list(joined.models) == ["single, users=2", "epoll, users=4"]
    assert "users" not in joined.inputs
    assert joined.inputs["messages"] == 1.0
