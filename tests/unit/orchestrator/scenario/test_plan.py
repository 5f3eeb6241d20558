import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.registry import MEASURES
from orchestrator.scenario.clients import ClosedGroup, Group, OpenGroup
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.matrix import AxisValue, CaseSettings
from orchestrator.scenario.models import discover_ignored, discover_models
from orchestrator.scenario.plan import MAX_SLUG_CHARS, Case, plan_cases, schedule, seed_of_repeat
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import Limits, ServerSettings
from orchestrator.scenario.yaml_document import ScenarioError
from tests.unit.conftest import Problems

GROUP = ClosedGroup(executor="closed", users=7, messages=5, demand="sleep=100ms")


def scenario(
    *models: str, server: ServerSettings | None = None, **matrix: tuple[AxisValue, ...]
) -> Scenario:
    return Scenario(
        intent="x",
        models=models,
        server=server or ServerSettings(),
        clients=(GROUP,),
        matrix=matrix,
    )


def case(model: str, **axes: AxisValue) -> Case:
    return Case(model, axes, CaseSettings(ServerSettings(), Limits(), (GROUP,)), seed=1)


def inputs(
    *groups: Group, server: ServerSettings | None = None, limits: Limits | None = None
) -> dict[str, float]:
    settings = CaseSettings(server or ServerSettings(), limits or Limits(), groups)
    return Case("single", {}, settings, seed=1).inputs()


def test_without_a_matrix_each_model_is_a_case_in_the_order_of_the_file() -> None:
    assert [each.name for each in plan_cases(scenario("epoll", "single"))] == ["epoll", "single"]


def test_models_take_turns_at_each_point_and_the_last_axis_changes_fastest() -> None:
    cases = plan_cases(scenario("single", "epoll", users=(2, 1), workers=(3, 4)))
    assert [each.name for each in cases] == [
        "single,users=2,workers=3", "epoll,users=2,workers=3",
        "single,users=2,workers=4", "epoll,users=2,workers=4",
        "single,users=1,workers=3", "epoll,users=1,workers=3",
        "single,users=1,workers=4", "epoll,users=1,workers=4",
    ]  # fmt: skip


def test_the_values_of_a_point_replace_those_of_the_file() -> None:
    cases = plan_cases(
        scenario("single", server=ServerSettings(workers=5, backlog=1), workers=(1, 2))
    )
    assert [each.server for each in cases] == [
        ServerSettings(workers=1, backlog=1),
        ServerSettings(workers=2, backlog=1),
    ]
    (small, _) = plan_cases(scenario("single", messages=(1, 9)))
    assert small.groups == (GROUP.model_copy(update={"messages": 1}),)


def test_inputs_are_what_the_scenario_sets_and_else_the_servers_defaults() -> None:
    assert case("single").inputs() == {
        "users": 7,
        "replicas": 1,
        "messages": 5,
        "workers": 5,
        "backlog": 128,
        "service_time": 0.1,
        "think_time": 0,
    }
    silent = ClosedGroup(executor="closed", users=1, messages=1, think_time="1ms")
    found = inputs(silent, server=ServerSettings(workers=2, backlog=9))
    assert found["service_time"] == 2  # the server's own
    assert (found["workers"], found["backlog"], found["think_time"]) == (2, 9, 0.001)
    free = inputs(GROUP.model_copy(update={"demand": "sleep=0s"}))
    assert free["service_time"] == 0  # nothing, which is not the default


OPEN = OpenGroup(
    name="open", executor="open", rate="30/s", duration="4s", connections=8, start="1s",
    demand="sleep=exponential(50ms)",
)  # fmt: skip


def test_inputs_of_arrivals() -> None:
    found = inputs(OPEN)
    assert found["arrival_rate"] == pytest.approx(30)
    assert found["offered_load"] == pytest.approx(1.5)
    assert found["duration"] == 5  # from the common start
    assert found["connections"] == 8
    assert found["service_time"] == pytest.approx(0.05)
    assert not {"users", "messages", "think_time"} & found.keys()


def test_the_service_time_of_several_parts_is_the_mean_of_their_sum() -> None:
    parts = OPEN.model_copy(update={"demand": "sleep=exponential(8ms)+cpu=2ms"})
    assert inputs(parts)["service_time"] == pytest.approx(0.01)
    assert inputs(parts)["offered_load"] == pytest.approx(0.3)


def test_groups_add_up_and_what_they_differ_in_has_no_value() -> None:
    other = OPEN.model_copy(update={"name": "other", "start": "3s", "rate": "60/s"})
    found = inputs(GROUP, OPEN, other)
    assert found["users"] == 7
    assert found["replicas"] == 3
    assert found["arrival_rate"] == pytest.approx((30 * 4 + 60 * 4) / 6)
    assert found["connections"] == 16
    assert not {"messages", "service_time", "duration"} & found.keys()
    assert inputs(OPEN, other)["duration"] == 7


def test_every_input_is_a_measure_that_is_configured() -> None:
    configured = {name for name, measure in MEASURES.items() if measure.kind == "input"}
    limited = inputs(GROUP, limits=Limits(cpus=0.5, memory="64MiB"))
    assert (limited["cpus"], limited["memory_limit"]) == (0.5, 64 * 2**20)
    assert {*inputs(OPEN), *limited} == configured


def test_what_is_planned_is_known_but_where_only_the_run_can_tell() -> None:
    timed = GROUP.model_copy(update={"name": "timed", "duration": "1s"})
    of = Case("single", {}, CaseSettings(ServerSettings(), Limits(), (GROUP, OPEN, timed)), seed=1)
    assert of.planned() == {"clients": 35, "open": 120, "timed": None}
    assert of.open_groups() == {"open"}


def test_rounds_are_interleaved_and_every_other_one_runs_backwards() -> None:
    three = scenario("single", "epoll").model_copy(update={"repeats": 3})
    runs = schedule(three)
    assert [(run.case.model, run.repeat) for run in runs] == [
        ("single", 1), ("epoll", 1), ("epoll", 2), ("single", 2), ("single", 3), ("epoll", 3),
    ]  # fmt: skip
    assert (runs[2].name, runs[2].slug) == ("epoll (2 of 3)", "epoll/2")
    one_by_one = schedule(three.model_copy(update={"order": "sequential"}))
    assert [run.repeat for run in one_by_one] == [1, 2, 3, 1, 2, 3]


def test_a_single_run_is_called_like_its_case() -> None:
    (run,) = schedule(scenario("single"))
    assert (run.name, run.slug) == ("single", "single")


def test_an_axis_of_one_group_leaves_the_others() -> None:
    fast = GROUP.model_copy(update={"name": "fast"})
    slow = ClosedGroup(name="slow", executor="closed", users=1, messages=1)
    two = Scenario(
        intent="x", models=("single",), clients=(fast, slow), matrix={"slow.users": (1, 3)}
    )
    assert [[group.peak_users for group in each.groups] for each in plan_cases(two)] == [
        [7, 1],
        [7, 3],
    ]
    assert [each.name for each in plan_cases(two)] == ["single,slow.users=1", "single,slow.users=3"]


@pytest.mark.parametrize(
    ("of", "slug"),
    [
        (case("single"), "single"),
        (case("prefork", workers=2, users=7), "prefork_workers-2_users-7"),
        (case("epoll", demand="sleep=1.5ms"), "epoll_demand-sleep-1.5ms"),
        (case("epoll", blocking_sleep=True), "epoll_blocking_sleep-true"),
        (case("../x"), "x-d6b96a97"),
        (case(".."), "5ec1f7e7"),
    ],
)
def test_a_slug_reads_like_the_name(of: Case, slug: str) -> None:
    assert of.slug == slug


@pytest.mark.parametrize(
    "names", [("a", ".a", "-a"), ("a b", "a-b", "a/b"), ("x" * 200, "x" * 201)]
)
def test_names_that_would_slug_alike_stay_apart(names: tuple[str, ...]) -> None:
    assert len({case(name).slug for name in names}) == len(names)


@given(st.text(min_size=1))
def test_a_slug_is_safe_as_a_folder_whatever_a_model_is_called(model: str) -> None:
    slug = case(model, workers=1).slug
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", slug)
    assert len(slug) <= MAX_SLUG_CHARS
    assert Path(slug).name == slug


def seeds_of(demand: str, seeds: str | None = None, seed: int = 1) -> dict[str, list[int]]:
    """Return the seeds of three repeats, by model."""
    planned = Scenario(
        intent="x",
        models=("single", "epoll"),
        clients=(GROUP.model_copy(update={"demand": demand}),),
        repeats=3,
        seed=seed,
        seeds=seeds,
    )
    found: dict[str, list[int]] = {"single": [], "epoll": []}
    for each in schedule(planned):
        found[each.case.model].append(each.case.seed)
    return found


def test_each_repeat_of_a_random_load_draws_anew_and_all_models_the_same() -> None:
    found = seeds_of("sleep=exponential(5ms)")
    assert found["single"] == found["epoll"]
    assert found["single"][0] == 1  # that of the scenario, as `predict` has it
    assert len(set(found["single"])) == 3
    neighbour = seeds_of("sleep=exponential(5ms)", seed=2)["single"]
    assert not set(neighbour) & set(found["single"])


def test_a_load_without_chance_and_a_fixed_one_are_replayed() -> None:
    assert seeds_of("sleep=5ms")["single"] == [1, 1, 1]
    assert seeds_of("sleep=exponential(5ms)", "fixed")["single"] == [1, 1, 1]
    assert len(set(seeds_of("sleep=5ms", "vary")["single"])) == 3


def test_the_seed_of_a_repeat_is_a_seed_that_a_scenario_may_have() -> None:
    assert all(0 <= seed_of_repeat(2**32 - 1, n) < 2**32 for n in range(1, 51))


IGNORING = """\
intent: Who waits?
models: [single, prefork]
clients: [{executor: closed, users: 4, messages: 3}]
matrix: {workers: [1, 2], users: [2, 4]}
"""


def named(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    found = load_scenario(path, ["single", "prefork"], ignored={"single": ["workers", "backlog"]})
    again = path.with_name("again.yaml")
    again.write_text(yaml.safe_dump(found.resolved(), sort_keys=False), encoding="utf-8")
    names = [case.name for case in plan_cases(found)]
    # A stored run has the same cases, whatever the labels of the checkout that reads it.
    assert [case.name for case in plan_cases(load_scenario(again, None))] == names
    return names


def test_an_axis_that_a_model_ignores_does_not_repeat_its_cases(tmp_path: Path) -> None:
    assert named(tmp_path / "s.yaml", IGNORING) == [
        "single,users=2",
        "prefork,workers=1,users=2",
        "single,users=4",
        "prefork,workers=1,users=4",
        "prefork,workers=2,users=2",
        "prefork,workers=2,users=4",
    ]


def test_axes_that_move_together_without_the_ignored_one_are_new_cases(tmp_path: Path) -> None:
    points = "[{workers: 1, users: 2}, {workers: 2, users: 4}, {workers: 3, users: 4}]"
    text = IGNORING.replace("{workers: [1, 2], users: [2, 4]}", points)
    names = named(tmp_path / "s.yaml", text)
    assert [name for name in names if name.startswith("single")] == [
        "single,users=2",
        "single,users=4",
    ]


def test_a_scenario_may_say_which_axes_a_model_ignores(tmp_path: Path) -> None:
    assert len(named(tmp_path / "s.yaml", f"{IGNORING}ignores: {{}}\n")) == 8
    own = named(tmp_path / "s.yaml", f"{IGNORING}ignores: {{prefork: [workers]}}\n")
    assert [name for name in own if name.startswith("prefork")] == [
        "prefork,users=2",
        "prefork,users=4",
    ]


def test_only_the_cases_that_there_are_count_against_the_limit(tmp_path: Path) -> None:
    many = f"{{workers: [{', '.join(map(str, range(1, 151)))}]}}"
    text = IGNORING.replace("{workers: [1, 2], users: [2, 4]}", many)
    assert len(named(tmp_path / "s.yaml", text)) == 151


OWN = """\
intent: Who waits?
models: [single, thread_per_connection]
server: {backlog: 9, max_threads: 2}
clients: [{executor: closed, users: 4, messages: 3}]
"""


def test_a_setting_of_one_model_reaches_its_cases_only(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(OWN, encoding="utf-8")
    found = load_scenario(path, discover_models(), ignored=discover_ignored())
    single, threads = (case.server.environment() for case in plan_cases(found))
    assert single == {"LAB_BACKLOG": "9"}
    assert threads == {"LAB_BACKLOG": "9", "LAB_MAX_THREADS": "2"}
    assert [case.workers for case in plan_cases(found)] == [5, 2]


def test_a_setting_of_one_model_is_an_axis_that_others_ignore(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    text = OWN.replace(", max_threads: 2", "") + "matrix: {max_threads: [2, 8], users: [1, 2]}\n"
    path.write_text(text, encoding="utf-8")
    found = load_scenario(path, discover_models(), ignored=discover_ignored())
    assert [case.name for case in plan_cases(found)] == [
        "single,users=1",
        "thread_per_connection,max_threads=2,users=1",
        "single,users=2",
        "thread_per_connection,max_threads=2,users=2",
        "thread_per_connection,max_threads=8,users=1",
        "thread_per_connection,max_threads=8,users=2",
    ]


@pytest.mark.parametrize("ignores", ["{}", "{single: []}", "{single: [workers]}"])
def test_a_setting_that_a_model_lacks_is_no_axis_of_its_cases(tmp_path: Path, ignores: str) -> None:
    path = tmp_path / "s.yaml"
    axes = "matrix: {max_threads: [2, 8], backlog: [1, 2]}"
    path.write_text(f"{OWN}{axes}\nignores: {ignores}\n", encoding="utf-8")
    found = load_scenario(path, discover_models(), ignored=discover_ignored())
    names = [case.name for case in plan_cases(found)]
    assert [name for name in names if name.startswith("single")] == [
        "single,backlog=1",
        "single,backlog=2",
    ]


@pytest.mark.parametrize("ignores", ["[single]", "{single: max_threads}", "{single: [nothing]}"])
def test_what_a_model_ignores_is_checked_as_written(tmp_path: Path, ignores: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"{OWN}matrix: {{max_threads: [2, 8]}}\nignores: {ignores}\n")
    with pytest.raises(ScenarioError, match=r"^\S+:6:\d+: [^\n]+$"):
        load_scenario(path, discover_models(), ignored=discover_ignored())


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("server: {backlog: 9, max_threads: 2}", "3:22: "),
        ("matrix: {max_threads: [1, 2]}", "3:10: "),
        ("matrix: [{max_threads: 1}, {max_threads: 2}]", "3:11: "),
    ],
)
def test_a_setting_that_no_model_of_the_scenario_has_is_refused_by_name(
    problems: Problems, written: str, problem: str
) -> None:
    text = OWN.replace("server: {backlog: 9, max_threads: 2}", written)
    assert problems(text.replace(", thread_per_connection", "")) == [
        f"{problem}max_threads is a setting of thread_per_connection only; add that to models, or "
        "remove the key"
    ]


def test_a_bad_value_of_such_a_setting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(OWN.replace("max_threads: 2", "max_threads: 1025"), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"max_threads: 1025 is out of range; .* 1 to 1024"):
        load_scenario(path, discover_models())


@pytest.mark.parametrize(
    ("written", "models"),
    [("", ("single", "epoll")), ("models: all\n", ("single", "odd", "epoll"))],
)
def test_models_are_the_classic_ones_unless_all_are_named(
    tmp_path: Path, written: str, models: tuple[str, ...]
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(IGNORING.replace("models: [single, prefork]\n", written), encoding="utf-8")
    assert load_scenario(path, ["single", "odd", "epoll"]).models == models
