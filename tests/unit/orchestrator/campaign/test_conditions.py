"""What two runs ran on and with is compared before their figures are."""

from collections.abc import Mapping

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.campaign.conditions import (
    JUDGING,
    PLANNING,
    Circumstances,
    Condition,
    Effect,
    conditions,
    obstacles,
)
from orchestrator.results.summary import Summary
from orchestrator.scenario.scenario import Scenario
from tests.unit.orchestrator.report.report_fixtures import case, summary

DOCKER: dict[str, object] = {
    "kernel": "6.8.0-31-generic",
    "machine": "x86_64",
    "cpu_model": "Xeon",
    "cpus": 2.0,
    "machine_cpus": 4,
    "cpu_affinity": [0, 1],
    "cpu_quota": None,
    "memory_bytes": 8 * 2**30,
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6"},
    "lab_version": "0.1.0",
    "git_revision": "a" * 40,
    "git_modified": False,
    "source_trees": {"services": "b" * 40, "labkit": "c" * 40, "client": "d" * 40},
    "backend": {
        "engine": "28.1.0",
        "cgroup": "2",
        "storage": "overlay2",
        "host": "Ubuntu",
        "cpus": 4,
        "compose": "2.35",
        "images": {"prefork": "sha256:1", "client": "sha256:2"},
    },
}
CLIENT: dict[str, object] = {
    "name": "steady", "executor": "closed", "users": 1, "messages": 1, "demand": "sleep=5ms",
}  # fmt: skip
SCENARIO: dict[str, object] = {
    "intent": "Is it slower?",
    "models": ["prefork"],
    "clients": [CLIENT],
}


def ran(
    environment: Mapping[str, object] = DOCKER,
    scenario: Mapping[str, object] | None = SCENARIO,
    **changed: object,
) -> Circumstances:
    found: Summary = summary(case("prefork")).model_copy(update={"backend": "docker", **changed})
    return Circumstances(found, environment, scenario)


def with_backend(**changed: object) -> dict[str, object]:
    backend = DOCKER["backend"]
    assert isinstance(backend, dict)
    return {**DOCKER, "backend": {**backend, **changed}}


def found_in(after: Circumstances, before: Circumstances | None = None) -> list[Condition]:
    return conditions(before or ran(duration_s=99.0), after)


def test_two_runs_of_one_version_on_one_host_have_no_differences() -> None:
    assert found_in(ran()) == []


@pytest.mark.parametrize(
    ("key", "value", "effect"),
    [
        ("kernel", "6.8.0-35-generic", Effect.NOTE),
        ("kernel", "6.11.0-31-generic", Effect.HOST),
        ("machine", "aarch64", Effect.HOST),
        ("cpu_model", "EPYC", Effect.HOST),
        ("cpus", 1.5, Effect.HOST),
        ("machine_cpus", 8, Effect.HOST),
        ("cpu_quota", 2.0, Effect.HOST),
        ("cpu_affinity", [2, 3], Effect.NOTE),
        ("memory_bytes", 4 * 2**30, Effect.NOTE),
        ("python", "3.12.1", Effect.NOTE),  # only the orchestrator's, if servers are in containers
        ("packages", {"numpy": "2.5.0"}, Effect.NOTE),
        ("lab_version", "0.2.0", Effect.NOTE),
        ("git_revision", "e" * 40, Effect.NOTE),  # the code of the servers is recorded apart
    ],
)
def test_a_difference_of_the_host_is_named_with_its_effect(
    key: str, value: object, effect: Effect
) -> None:
    (found,) = found_in(ran({**DOCKER, key: value}))
    assert found.effect is effect
    assert found.before != found.after
    assert bool(obstacles([found])) is (effect is Effect.HOST)
    assert obstacles([found], [Effect.HOST]) == []


@pytest.mark.parametrize(
    ("key", "value", "effect"),
    [
        ("engine", "28.2.0", Effect.NOTE),
        ("engine", "29.0.0", Effect.HOST),
        ("cgroup", "1", Effect.HOST),
        ("cpus", 2, Effect.HOST),
        ("storage", "btrfs", Effect.NOTE),
        ("compose", "2.40", Effect.NOTE),
        ("images", {"prefork": "sha256:9", "client": "sha256:2"}, Effect.CHANGE),
        ("images", {"prefork": "sha256:1", "client": "sha256:9"}, Effect.NOTE),
    ],
)
@pytest.mark.parametrize("backend", ["docker", "swarm"])
def test_a_difference_of_the_engine_and_its_images_is_named(
    key: str, value: object, effect: Effect, backend: str
) -> None:
    changed = ran(with_backend(**{key: value}), backend=backend)
    (found,) = found_in(changed, ran(backend=backend))
    assert found.effect is effect


def test_memory_that_differs_by_what_the_kernel_keeps_is_the_same() -> None:
    assert found_in(ran({**DOCKER, "memory_bytes": 8 * 2**30 - 2**20})) == []


@pytest.mark.parametrize(("folder", "effect"), [("services", "under test"), ("client", "note")])
def test_the_code_of_the_servers_is_under_test(folder: str, effect: str) -> None:
    trees = DOCKER["source_trees"]
    assert isinstance(trees, dict)
    (found,) = found_in(ran({**DOCKER, "source_trees": {**trees, folder: "f" * 40}}))
    assert (found.name, found.effect) == (f"code in {folder}/", effect)


def test_without_the_code_of_the_servers_the_revision_is_under_test() -> None:
    old = {key: value for key, value in DOCKER.items() if key != "source_trees"}
    found = found_in(ran({**old, "git_revision": "e" * 40}), ran(old))
    assert [(each.name, each.effect) for each in found] == [("revision of the lab", Effect.CHANGE)]


def test_uncommitted_changes_of_both_may_differ() -> None:
    modified = {**DOCKER, "git_modified": True}
    assert found_in(ran(modified), ran(modified, duration_s=9.0)) == [
        Condition("uncommitted changes", "yes", "yes", Effect.CHANGE)
    ]


@pytest.mark.parametrize(("version", "effect"), [("3.11.9", Effect.NOTE), ("3.12.7", Effect.HOST)])
def test_the_python_of_local_processes_runs_the_servers(version: str, effect: Effect) -> None:
    pair = [
        ran({**DOCKER, "backend": {"python": python}}, backend="process")
        for python in ("3.11.7", version)
    ]
    assert conditions(*pair) == [Condition("Python", "3.11.7", version, effect)]


def test_of_two_backends_only_what_both_have_is_compared() -> None:
    after = ran({**DOCKER, "backend": {"python": "3.11.7"}}, backend="process")
    assert found_in(after) == [Condition("backend", "docker", "process", Effect.HOST)]


def scenario_with(**changed: object) -> dict[str, object]:
    return {**SCENARIO, **changed}


@pytest.mark.parametrize(
    ("changed", "name", "effect"),
    [
        ({"clients": [{**CLIENT, "users": 2}]}, "clients.steady.users", "other scenario"),
        ({"server": {"workers": 2}}, "server.workers", "other scenario"),
        ({"limits": {"cpus": 1}}, "limits.cpus", "other scenario"),
        ({"seed": 7}, "seed", "other scenario"),
        ({"warmup": "1s"}, "warmup", "other scenario"),
        ({"intent": "Which is faster?"}, "intent", "note"),
        ({"expect": {"all": ["failed == 0"]}}, "expect", "note"),
        ({"repeats": 7}, "repeats", "note"),
        ({"timeout": "30s"}, "timeout", "note"),
        ({"models": ["prefork", "epoll"]}, "models", "note"),
        ({"ignores": {"prefork": ["workers"]}}, "ignores.prefork", "note"),
    ],
)  # fmt: skip
def test_another_load_is_another_scenario_and_other_words_are_not(
    changed: dict[str, object], name: str, effect: str
) -> None:
    (found,) = found_in(ran(scenario=scenario_with(**changed)))
    assert (found.name, found.effect) == (name, effect)


def test_a_group_that_only_one_scenario_has_is_one_difference() -> None:
    other = scenario_with(clients=[CLIENT, {**CLIENT, "name": "late"}])
    (found,) = found_in(ran(scenario=other))
    assert (found.name, found.before) == ("clients.late", "not set")
    assert '"name": "late"' in (found.after or "")


def test_a_default_that_an_older_version_did_not_write_is_no_difference() -> None:
    written = scenario_with(seed=1, repeats=1, warmup="0s", faults=[])
    assert found_in(ran(scenario=written)) == []


def test_an_interpreter_is_under_test() -> None:
    one, other = (ran(scenario=scenario_with(interpreter=python)) for python in ("3.13", "3.13t"))
    assert found_in(other, one) == [Condition("interpreter", "3.13", "3.13t", Effect.CHANGE)]
    images = [ran(with_backend(images={"prefork on 3.13t": f"sha256:{n}"})) for n in (1, 2)]
    (found,) = found_in(images[1], images[0])
    assert found.effect is Effect.CHANGE


def test_a_target_is_under_test() -> None:
    one, other = (
        scenario_with(models=["mine"], target={"name": "mine", "image": f"mine:{tag}"})
        for tag in ("1", "2")
    )
    found = found_in(ran(scenario=other), ran(scenario=one))
    assert found == [Condition("target.image", "mine:1", "mine:2", Effect.CHANGE)]


def test_what_an_older_run_has_not_recorded_is_not_recorded_and_no_obstacle() -> None:
    found = found_in(ran({}, None))
    missing = {each.name: (each.before, each.after) for each in found}
    assert missing["CPU model"] == ("Xeon", None)
    assert missing["content of the scenario"] == ("recorded", None)
    assert obstacles(found) == []
    both = conditions(ran({}, None), ran({}, None, duration_s=2.0))
    assert Condition("CPU model", None, None, Effect.NOTE) in both


def test_without_the_content_the_name_tells_two_scenarios_apart() -> None:
    pair = [
        Circumstances(summary(case()).model_copy(update={"scenario": name}), DOCKER)
        for name in ("gate", "quickstart")
    ]
    (found,) = obstacles(conditions(*pair))
    assert (found.name, found.effect) == ("name of the scenario", Effect.SCENARIO)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(st.sampled_from([*DOCKER, "engine", "images", "x"]), part, max_size=4)
    ),
    max_leaves=8,
)
MAPS = st.dictionaries(st.sampled_from([*DOCKER]), JSON, max_size=6)


@settings(max_examples=40, deadline=None)
@given(MAPS, MAPS, st.sampled_from(["docker", "process", "other"]))
def test_no_recorded_environment_is_a_traceback(
    one: dict[str, object], other: dict[str, object], backend: str
) -> None:
    found = conditions(ran(one, backend=backend), ran(other, one, duration_s=2.0, backend=backend))
    assert all(isinstance(each.before, str | None) for each in found)


@pytest.mark.parametrize(("text", "reason"), [("a: [", "not YAML"), ("- a", "no map")])
def test_a_damaged_scenario_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Circumstances.of(summary(), {}, text)
    assert Circumstances.of(summary(), {}, "").scenario is None
    assert Circumstances.of(summary(), {}, yaml.safe_dump(SCENARIO)).scenario == SCENARIO


SOURCE = {"author": "A. Nobody", "title": "On servers", "reference": "nowhere"}
CLAIM = {"says": "It is slow.", "expression": "p99(prefork) > 1s", "known": "reproduced"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("claims", [{**CLAIM, "says": "It is not fast."}]),
        ("claims", [{**CLAIM, "known": "inverted", "reason": "it is fast"}]),
        ("source", {**SOURCE, "place": "page 7"}),
    ],
)
def test_what_is_said_of_a_claim_changes_no_figure(key: str, value: object) -> None:
    whole = {**SCENARIO, "repeats": 5, "source": SOURCE, "claims": [CLAIM]}
    (found,) = found_in(ran(scenario={**whole, key: value}), ran(scenario=whole))
    assert (found.name, found.effect) == (key, Effect.NOTE)
    assert obstacles([found]) == []


MEASURED = {
    "target", "server", "limits", "interpreter", "clients", "tuned", "faults", "abort", "warmup",
    "seed", "seeds",
}  # fmt: skip
"""Keys that change what a run measures; of a new key, decide here or there which it is."""


def test_of_every_key_it_is_known_whether_it_changes_figures() -> None:
    keys = [*JUDGING, *PLANNING, *MEASURED]
    assert sorted(keys) == sorted(Scenario.model_fields)
