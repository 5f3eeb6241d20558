"""Variables are gone before anything else looks, and errors stand where they are used."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from orchestrator.scenario.clients import ClosedGroup
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.variables import FULL, QUICK, settings_of_tier
from orchestrator.scenario.yaml_document import ScenarioError

FILE = """\
intent: Do ${users} users wait? It costs $$5.
variables: {users: 5, demand: sleep=1ms, blocking: true}
server: {blocking_sleep: $blocking}
clients:
  - {executor: closed, users: $users, messages: 1, demand: $demand}
matrix: {users: [1, $users]}
"""
Load = Callable[..., Scenario]


def load(path: Path, text: str, settings: Mapping[str, str]) -> Scenario:
    path.write_text(text, encoding="utf-8")
    return load_scenario(path, ["single"], settings)


def problems(path: Path, text: str, settings: Mapping[str, str]) -> list[str]:
    with pytest.raises(ScenarioError) as refusal:
        load(path, text, settings)
    return [str(each).removeprefix(f"{path}:") for each in refusal.value.problems]


def test_a_variable_keeps_its_kind_where_it_stands_alone(scenario_file: Path) -> None:
    scenario = load(scenario_file, FILE, {})
    (group,) = scenario.clients
    assert isinstance(group, ClosedGroup)
    assert (group.users, group.demand) == (5, "sleep=1ms")
    assert scenario.server.blocking_sleep is True
    assert scenario.matrix == {"users": (1, 5)}
    assert scenario.intent == "Do 5 users wait? It costs $5."
    assert "variables" not in scenario.resolved()


def test_a_setting_stands_for_the_value_of_the_file(scenario_file: Path) -> None:
    settings = {"users": "9", "demand": "cpu=2ms", "blocking": "false"}
    scenario = load(scenario_file, FILE, settings)
    (group,) = scenario.clients
    assert isinstance(group, ClosedGroup)
    assert (group.users, group.demand) == (9, "cpu=2ms")
    assert scenario.server.blocking_sleep is False
    assert scenario.intent.startswith("Do 9 users")


@pytest.mark.parametrize(
    ("line", "settings", "expected"),
    [
        ("timeout: $time", {},
         "7:10: unknown variable 'time'; allowed: users, demand, blocking"),
        ("timeout: ${user}s", {},
         "7:10: unknown variable 'user'; did you mean 'users'? allowed: users, demand, blocking"),
        ("timeout: ${users}s", {"users": "x"},
         ["5:31: users: 'x' is text; allowed: a whole number from 1 to 10000",
          "7:10: timeout: 'xs' is not a duration; write a number and a unit: us, ms, s, m"]),
        ("", {"rate": "1"},
         "1:1: --set: unknown variable 'rate'; allowed: users, demand, blocking"),
        ("", {"users": "0"},
         ["5:31: users: 0 is out of range; allowed: a whole number from 1 to 10000"]),
    ],
)  # fmt: skip
def test_an_error_is_reported_where_the_variable_is_used(
    scenario_file: Path, line: str, settings: dict[str, str], expected: str | list[str]
) -> None:
    found = problems(scenario_file, f"{FILE}{line}\n", settings)
    assert found == ([expected] if isinstance(expected, str) else expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[users]",
         "2:12: this is not a map; write a map of names and values, e.g. {users: 5}"),
        ("{users: [5]}", "2:20: a variable has a single value: text, a number, true or false"),
        ("{5x: 1}", "2:17: '5x' is not a name of a variable; write a word of at most 30 "
         "letters, digits and _ that begins with a letter"),
    ],
)  # fmt: skip
def test_variables_are_names_and_single_values(
    scenario_file: Path, written: str, expected: str
) -> None:
    text = (
        f"intent: x\nvariables: {written}\nclients: [{{executor: closed, users: 1, messages: 1}}]\n"
    )
    assert problems(scenario_file, text, {}) == [expected]


NO_VARIABLES = "intent: {}\nclients: [{{executor: closed, users: 1, messages: 1}}]\n"


def test_without_variables_none_can_be_set_or_used(scenario_file: Path) -> None:
    none = "unknown variable {!r}; the file has no variables (write $$ for a dollar sign)"
    assert problems(scenario_file, NO_VARIABLES.format("x"), {"users": "1"}) == [
        f"1:1: --set: {none.format('users')}"
    ]
    assert problems(scenario_file, NO_VARIABLES.format("$A"), {}) == [f"1:9: {none.format('A')}"]


@pytest.mark.parametrize("intent", ["$$A", "for $${A}", "$$$$", "$ $$"])
def test_a_stored_scenario_keeps_its_dollar_signs(scenario_file: Path, intent: str) -> None:
    scenario_file.write_text(NO_VARIABLES.format(intent), encoding="utf-8")
    scenario = load_scenario(scenario_file, ["single"])
    scenario_file.write_text(yaml.safe_dump(scenario.resolved()), encoding="utf-8")
    assert load_scenario(scenario_file, ["single"]).intent == scenario.intent


BLOCKING = """\
intent: x
variables: {{b: {}, name: a}}
server: {{blocking_sleep: $b}}
clients: [{{executor: closed, users: 1, messages: 1, name: $name}}]
"""


@pytest.mark.parametrize(("word", "value"), [("no", False), ("Yes", True), ("off", False)])
def test_a_setting_means_what_it_means_in_the_file(
    scenario_file: Path, word: str, *, value: bool
) -> None:
    in_file = load(scenario_file, BLOCKING.format(word), {})
    as_setting = load(scenario_file, BLOCKING.format("true"), {"b": word})
    assert in_file == as_setting
    assert as_setting.server.blocking_sleep is value
    refused = problems(scenario_file, BLOCKING.format("true"), {"name": word})
    text = BLOCKING.format("true").replace("name: a", f"name: {word}")
    assert refused == problems(scenario_file, text, {})
    assert f"name: {word} is a truth value if unquoted; write" in refused[0]


@pytest.mark.parametrize("text", ["0x10", "null", "a\udcffb"])
def test_a_setting_that_a_file_would_be_refused_for_is_refused(
    scenario_file: Path, text: str
) -> None:
    (problem,) = problems(scenario_file, BLOCKING.format("true"), {"name": text})[:1]
    assert problem.startswith("1:1: --set: name: ")
    assert problem.isprintable()


OPEN = """\
intent: x
variables: {users: , makespan: , peak: ~}
models: [single]
clients: [{executor: closed, users: 2, messages: 1}]
guess: {all: ["makespan ~= ${makespan} within 10%", "peak_in_service == ${peak}"]}
"""


def test_a_variable_without_a_value_leaves_a_guess_open(scenario_file: Path) -> None:
    scenario = load(scenario_file, OPEN, {"peak": "2"})
    assert [*map(str, scenario.guesses("single"))] == [
        "makespan ~= ? within 10%",
        "peak_in_service == 2",
    ]


def test_an_open_guess_is_stored_and_loaded_again(scenario_file: Path) -> None:
    scenario = load(scenario_file, OPEN, {})
    assert load(scenario_file, yaml.safe_dump(scenario.resolved()), {}) == scenario


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("users: 2", "users: $users", "4:37: variable 'users' has no value; write one under"
         " variables, or pass --set users=…"),
        ("intent: x", "intent: How many ${users}?", "1:9: variable 'users' has no value; write one"
         " under variables, or pass --set users=…"),
        ("users: 2", "users: ", "4:36: no value; write one or leave it out"),
        ("variables: {users: , makespan: , peak: ~}", "variables: ", "2:11: no value"),
    ],
)  # fmt: skip
def test_nothing_but_a_guess_can_do_without_a_value(
    scenario_file: Path, before: str, after: str, message: str
) -> None:
    found = problems(scenario_file, OPEN.replace(before, after, 1), {})
    assert any(each.startswith(message) for each in found), found


def test_a_tier_has_other_values_for_variables(scenario_file: Path) -> None:
    text = FILE + "tiers: {full: {users: 7, demand: sleep=2ms}}\n"
    quick = load(scenario_file, text, settings_of_tier(_written(scenario_file, text), QUICK))
    full = load(scenario_file, text, settings_of_tier(scenario_file, FULL))
    found = [[group.demand for group in each.clients] for each in (quick, full)]
    assert found == [["sleep=1ms"], ["sleep=2ms"]]
    assert full.matrix == {"users": (1, 7)}
    assert "tiers" not in full.resolved()


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ("[full]", "this is not a map; write values of variables"),
        ("{full: 5}", "this is not a map; write values of variables"),
        ("{quick: {users: 5}}", "unknown tier 'quick'; allowed: full"),
        ("{full: {user: 5}}", "unknown variable 'user'; did you mean 'users'?"),
        ("{full: {users: [5]}}", "write a single value"),
    ],
)
def test_a_tier_sets_variables_of_the_file_only(
    scenario_file: Path, tiers: str, message: str
) -> None:
    (found,) = problems(scenario_file, f"{FILE}tiers: {tiers}\n", {})
    assert message in found
