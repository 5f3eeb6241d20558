"""Think times that are to be tuned: how they are written, and where what was found stands."""

from pathlib import Path

import pytest
import yaml

from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import plan_cases, tuned_think_times
from orchestrator.scenario.tuned import tuned_share, with_mean
from tests.unit.conftest import Load, Problems

TUNED = "tuned(utilization=70%)"
GOOD = """\
intent: x
models: [single, prefork]
clients: [{executor: closed, users: 4, messages: 5, think_time: THINK}]
"""


def text(think_time: str = TUNED) -> str:
    return GOOD.replace("THINK", f"'{think_time}'")


@pytest.mark.parametrize(
    ("written", "share", "mean"),
    [
        (TUNED, 0.7, "20ms"),
        ("tuned( utilization = 12.5% )", 0.125, "20ms"),
        (f"exponential({TUNED})", 0.7, "exponential(20ms)"),
        (f"hyperexponential({TUNED}, scv=4)", 0.7, "hyperexponential(20ms, scv=4)"),
    ],
)
def test_it_stands_for_a_mean(load: Load, written: str, share: float, mean: str) -> None:
    (group,) = load(text(written)).clients
    assert getattr(group, "think_time", "") == written
    assert tuned_share(written) == share
    assert with_mean(written, "20ms") == mean
    assert group.think_time_s is None
    assert group.is_random is not mean.startswith("20")


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("tuned(70%)", "'tuned(70%)' is not a think time; write tuned(utilization=70%) once, "
         "alone or as a mean: exponential(tuned(utilization=70%))"),
        ("tuned(utilization=100%)", "a utilization of 100% is out of range; allowed: 1% to 99%"),
        ("tuned(utilization=0%)", "a utilization of 0% is out of range; allowed: 1% to 99%"),
        (f"bimodal({TUNED}, 5ms, share=0.5)",
         "bimodal has two durations, and tuned(utilization=70%) is one mean"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_it_is_said(problems: Problems, written: str, problem: str) -> None:
    assert problems(text(written)) == [f"3:65: think_time: {problem}"]


def test_it_is_no_demand_and_not_of_a_ramp(problems: Problems) -> None:
    ramp = "{executor: ramp, stages: [{duration: 1s, users: 2}], think_time: 'THINK'}"
    for group in (ramp, "{executor: closed, users: 1, messages: 1, demand: 'sleep=THINK'}"):
        (problem,) = problems(f"intent: x\nclients: [{group}]\n".replace("THINK", TUNED))
        assert "tuned" in problem


def test_of_groups_that_run_at_the_same_time_one_is_tuned(load: Load, problems: Problems) -> None:
    group = f"{{name: NAME, executor: closed, users: 4, duration: 5s, think_time: '{TUNED}'}}"
    one = group.replace("NAME", "one")
    other = group.replace("NAME", "other")
    both = f"intent: x\nmodels: [single]\nclients:\n  - {one}\n  - {other}\n"
    (problem,) = problems(both)
    assert problem.endswith(
        "think_time: that of one, which runs at the same time, is tuned too; write one of the two"
    )
    later = both.replace("name: other", "name: other, start: 5s")
    load(later)
    assert len(problems(later.replace("duration: 5s", "messages: 5"))) == 1


FOUND = "tuned: {single: {clients: 30ms}, prefork: {clients: 10ms}}\n"


def test_the_means_that_were_found_are_those_of_the_cases(load: Load) -> None:
    scenario = load(text(f"exponential({TUNED})") + FOUND)
    single, prefork = plan_cases(scenario)
    assert (single.inputs()["think_time"], prefork.inputs()["think_time"]) == (0.03, 0.01)
    assert [order.think_time for order in prefork.orders] == ["exponential(10ms)"]
    assert [*tuned_think_times(scenario, single)] == [
        "think_time of clients is exponential(30ms): exponential(tuned(utilization=70%)), "
        "as the twin found"
    ]
    untuned = load(text())
    assert "think_time" not in plan_cases(untuned)[0].inputs()
    assert not [*tuned_think_times(untuned, plan_cases(untuned)[0])]


def test_results_have_them_so_that_they_are_not_searched_again(load: Load, tmp_path: Path) -> None:
    scenario = load(text() + FOUND)
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(scenario.resolved(), sort_keys=False), encoding="utf-8")
    assert load_scenario(path, None) == scenario


def test_a_case_or_a_group_that_there_is_not_has_none(problems: Problems) -> None:
    assert problems(f"{text()}tuned: {{singel: {{clients: 1s}}, prefork: {{client: 1s}}}}\n") == [
        "4:9: unknown case 'singel'; did you mean 'single'? allowed: single, prefork",
        "4:42: unknown client group 'client'; did you mean 'clients'? allowed: clients",
    ]
