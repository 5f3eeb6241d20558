from pathlib import Path

import pytest

from orchestrator.scenario.estimate import Estimate, estimate, total
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import ROOT, discover_models
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.scenario import Scenario

READY = sorted((ROOT / "scenarios").glob("*.yaml"))


def scenario(tmp_path: Path, clients: str, more: str = "") -> Scenario:
    path = tmp_path / "one.yaml"
    text = (
        f"intent: How long?\nmodels: [a, b]\nserver: {{workers: 5}}\nclients: [{clients}]\n{more}"
    )
    path.write_text(text)
    return load_scenario(path, known_models=None)


@pytest.mark.parametrize(
    ("clients", "least_s", "likely_s", "most_s"),
    [
        # 7 users of 5 x 100 ms: at once, in ceil(7 / 5) turns, in 7
        ("{executor: closed, users: 7, messages: 5, demand: sleep=100ms}", 0.5, 1.0, 3.5),
        # two pauses of 1 s between three messages of the server's 2 s
        ("{executor: closed, users: 5, messages: 3, think_time: 1s}", 8, 8, 40),
        # whoever is still served at the end may finish; with one worker, the others follow
        ("{executor: closed, users: 5, duration: 5s, demand: sleep=1s}", 6, 6, 10),
        ("{executor: closed, users: 20, duration: 5s, demand: sleep=2s}", 7, 13, 45),
        # 100 arrivals of 100 ms: 10 s of work
        ("{executor: open, rate: 50/s, duration: 2s, connections: each, demand: sleep=100ms}",
         2.1, 2.1, 10),
        # a triangle of 4 s and 10/s holds 20 arrivals of 1 s, after a second
        ("{executor: ramp, stages: [{duration: 4s, rate: 10/s}], start: 1s, connections: each, "
         "demand: sleep=1s}", 6, 6, 21),
        # more than the time-out allows
        ("{executor: closed, users: 100, messages: 100, demand: sleep=1s}", 100, 120, 120),
        # two groups share the workers
        ("{name: x, executor: closed, users: 5, messages: 1, demand: sleep=1s}, "
         "{name: y, executor: closed, users: 5, messages: 2, demand: sleep=1s}", 2, 3, 15),
    ],
)  # fmt: skip
def test_estimates(
    tmp_path: Path, clients: str, least_s: float, likely_s: float, most_s: float
) -> None:
    found = scenario(tmp_path, clients)
    told = estimate(plan_cases(found)[0], found.timeout_s)
    assert (told.least_s, told.likely_s, told.most_s) == pytest.approx((least_s, likely_s, most_s))


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_no_ready_scenario_takes_longer_than_its_timeout(path: Path) -> None:
    ready = load_scenario(path, discover_models())
    for case in plan_cases(ready):
        told = estimate(case, ready.timeout_s)
        assert 0 < told.least_s <= told.likely_s <= told.most_s <= ready.timeout_s


def test_a_sum() -> None:
    assert total([Estimate(1, 2, 3), Estimate(1, 1, 1)]) == Estimate(2, 3, 4)
