"""Scenarios that are valid: what they mean, and that they survive being written and read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scenario.clients import ClosedGroup
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import ROOT, discover_models
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import ServerSettings

Load = Callable[[str | bytes], Scenario]

MINIMAL = "intent: x\nclients: [{executor: closed, users: 7, messages: 5}]\n"
READY = sorted((ROOT / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_each_ready_scenario_is_valid_for_the_models_of_compose(path: Path) -> None:
    scenario = load_scenario(path, discover_models())
    for model in scenario.models:
        assert scenario.expectations(model), f"nothing is expected of {model}"


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_each_ready_scenario_begins_with_its_intent(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert next(each for each in lines if not each.startswith("#")).startswith("intent: ")


@pytest.mark.parametrize(
    ("name", "expected_s"),
    [("quickstart", 3.5 + 1 + 1 + 0.5), ("classic", 42 + 12 + 12 + 6), ("sweep_workers", 16)],
)
def test_a_ready_scenario_takes_as_long_as_its_comment_says(name: str, expected_s: float) -> None:
    """By its own expectations: the sum of the makespans that they state, in seconds."""
    scenario = load_scenario(ROOT / "scenarios" / f"{name}.yaml", discover_models())
    total_s = 0.0
    for case in plan_cases(scenario):
        stated = next(e for e in scenario.expectations(case.model) if "makespan" in e.text)
        total_s += stated.evaluate(case.inputs()).right or 0
    assert total_s == pytest.approx(expected_s)


def test_what_is_left_out_has_its_default(load: Load) -> None:
    scenario = load(MINIMAL)
    assert scenario == Scenario(
        intent="x",
        models=("single", "prefork", "threaded", "epoll"),
        server=ServerSettings(),
        clients=(
            ClosedGroup(executor="closed", users=7, messages=5, think_time="0ms", replicas=1),
        ),
        matrix={},
        expect={},
        timeout="120s",
        seed=1,
    )
    assert scenario.timeout_s == 120
    assert scenario.clients[0].demand_s(60) is None
    assert scenario.server.environment() == {}


def test_server_settings_become_the_servers_environment(load: Load) -> None:
    server = load(
        MINIMAL + "server: {workers: 8, work: cpu, service_time: 5ms, blocking_sleep: true}\n"
    ).server
    assert server.environment() == {
        "LAB_WORKERS": "8",
        "LAB_WORK": "cpu",
        "LAB_SERVICE_TIME": "5ms",
        "LAB_BLOCKING_SLEEP": "1",
    }
    assert (server.service_time_s, server.max_service_time_s) == (0.005, 60)


def test_a_models_own_expectations_come_before_those_of_all(load: Load) -> None:
    scenario = load(MINIMAL + "expect: {all: [failed == 0], epoll: [acked == 35]}\n")
    assert [str(each) for each in scenario.expectations("epoll")] == ["acked == 35", "failed == 0"]
    assert [str(each) for each in scenario.expectations("single")] == ["failed == 0"]


def test_a_stored_run_may_name_models_that_are_gone(scenario_file: Path) -> None:
    scenario_file.write_text(MINIMAL + "models: [bygone]\n", encoding="utf-8")
    assert load_scenario(scenario_file, known_models=None).models == ("bygone",)


@pytest.mark.parametrize("intent", ["À combien\u202f?", "👩\u200d💻 waits", "誰が\u3000待つか"])
def test_a_question_may_be_in_any_script(scenario_file: Path, intent: str) -> None:
    text = f"intent: {intent}\nclients: [{{executor: closed, users: 7, messages: 5}}]\n"
    scenario_file.write_text(text, encoding="utf-8")
    assert load_scenario(scenario_file, ["single"]).intent == intent


durations = st.integers(1, 14_999).map("{}ms".format)
parts = st.builds("{}={}".format, st.sampled_from(["sleep", "cpu"]), durations)
demands = st.lists(parts, min_size=1, max_size=4).map("+".join)
MODELS = st.lists(
    st.sampled_from(["single", "prefork", "threaded", "epoll"]), min_size=1, unique=True
)
AXES: dict[str, st.SearchStrategy[Any]] = {
    "workers": st.integers(1, 1024),
    "backlog": st.integers(1, 65535),
    "work": st.sampled_from(["sleep", "cpu"]),
    "service_time": durations,
    "idle_timeout": durations,
    "blocking_sleep": st.booleans(),
    "messages": st.integers(1, 1000),
    "users": st.integers(50, 10_000),
    "replicas": st.integers(1, 50),
    "demand": demands,
    "think_time": durations,
}
SERVER_KEYS = ("workers", "backlog", "work", "service_time", "idle_timeout", "blocking_sleep")
EXPECTATIONS = ["failed == 0", "makespan ~= 2s within 10%", "p99 <\t1s", "acked == users*messages"]
INTENTS = st.text(min_size=1, max_size=300).filter(
    lambda text: text.strip() != "" and text.strip().isprintable()
)


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the plain data of a valid scenario."""
    axes = draw(st.lists(st.sampled_from(sorted(AXES)), max_size=3, unique=True))
    group = {name: draw(AXES[name]) for name in ("users", "messages", "replicas")}
    settings = draw(st.lists(st.sampled_from(SERVER_KEYS), unique=True))
    subjects = [*draw(MODELS), "all"]
    return {
        "intent": draw(INTENTS).replace("$", "$$"),
        "models": subjects[:-1],
        "server": {name: draw(AXES[name]) for name in settings},
        "clients": [{"executor": "closed", **group, "demand": draw(demands)}],
        "matrix": {
            axis: draw(st.lists(AXES[axis], min_size=1, max_size=3, unique=True)) for axis in axes
        },
        "expect": draw(
            st.dictionaries(
                st.sampled_from(subjects), st.lists(st.sampled_from(EXPECTATIONS), min_size=1)
            )
        ),
        "timeout": draw(durations.filter(lambda text: len(text) > len("99ms"))),
        "seed": draw(st.integers(0, 2**32 - 1)),
    }


@given(scenarios())
def test_a_scenario_as_it_was_run_is_the_same_scenario(load: Load, content: dict[str, Any]) -> None:
    scenario = load(yaml.safe_dump(content, allow_unicode=True))
    again = load(yaml.safe_dump(scenario.resolved(), allow_unicode=True, sort_keys=False))
    assert again == scenario
    assert [case.name for case in plan_cases(again)] == [case.name for case in plan_cases(scenario)]


@given(scenarios())
def test_no_two_cases_share_a_name_or_a_folder(load: Load, content: dict[str, Any]) -> None:
    cases = plan_cases(load(yaml.safe_dump(content)))
    assert len({case.name for case in cases}) == len(cases)
    assert len({case.slug for case in cases}) == len(cases)
