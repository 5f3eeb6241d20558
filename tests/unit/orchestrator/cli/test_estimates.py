"""How long runs will take, as the twin of each case knows it."""

from pathlib import Path

from orchestrator.cli.estimates import estimates_of, nobody, twin_of
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import discover_models
from orchestrator.scenario.scenario import Scenario

BESIDE_EACH_OTHER = "[{executor: closed, users: 30, messages: 1, demand: sleep=1s}]"
IN_TIME = (
    "[{executor: open, rate: 20/s, duration: 5s, connections: each, demand: sleep=1ms}]\nwarmup: 4s"
)


def scenario_of(folder: Path, clients: str) -> Scenario:
    path = folder / "mine.yaml"
    path.write_text(f"intent: How long?\nmodels: [epoll]\nclients: {clients}\nrepeats: 2\n")
    return load_scenario(path, discover_models())


def test_the_twin_knows_who_waits_side_by_side(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, BESIDE_EACH_OTHER)
    first, second = estimates_of(scenario, twin_of(scenario))
    assert first == second
    assert 1 <= first.least_s == first.likely_s < 2
    assert estimates_of(scenario, nobody)[0].likely_s > 5


def test_the_warm_up_takes_time_although_it_is_not_measured(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, IN_TIME)
    assert 4.9 < estimates_of(scenario, twin_of(scenario))[0].likely_s < 5.5
