from pathlib import Path

import pytest

from orchestrator.cli.plan import duration, plan_lines
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
        # whoever is still served at the end may finish
        ("{executor: closed, users: 5, duration: 5s, demand: sleep=1s}", 6, 6, 6),
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


def test_a_plan_is_in_rounds(tmp_path: Path) -> None:
    one = "{executor: closed, users: 7, messages: 5, demand: sleep=100ms}"
    assert list(plan_lines(scenario(tmp_path, one, "repeats: 2\n"))) == [
        "How long?",
        "round 1",
        "  [1/4] a (1 of 2): about 1 s (0.5 s to 3.5 s)",
        "  [2/4] b (1 of 2): about 1 s (0.5 s to 3.5 s)",
        "round 2",
        "  [3/4] b (2 of 2): about 1 s (0.5 s to 3.5 s)",
        "  [4/4] a (2 of 2): about 1 s (0.5 s to 3.5 s)",
        "4 runs: about 4 s (2 s to 14 s)",
        "at most 8.0 min, because timeout ends each load",
        "starting and stopping adds about 2 s (process) or 16 s (docker)",
    ]


def test_a_sequence_has_no_rounds(tmp_path: Path) -> None:
    one = "{executor: closed, users: 1, duration: 5s, demand: sleep=1s}"
    plain = list(plan_lines(scenario(tmp_path, one, "repeats: 2\norder: sequential\n")))
    assert plain[1:3] == ["  [1/4] a (1 of 2): about 6 s", "  [2/4] a (2 of 2): about 6 s"]


def test_a_sum() -> None:
    assert total([Estimate(1, 2, 3), Estimate(1, 1, 1)]) == Estimate(2, 3, 4)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.04 s"), (9.94, "9.9 s"), (95, "95 s"), (120, "2.0 min"), (9000, "2.5 h")],
)
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
