"""Errors in a scenario file: their place, what is wrong, and what is allowed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scenario.load import load_scenario, parse_scenario
from orchestrator.scenario.models import discover_ignored, discover_models
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.yaml_document import Problem, ScenarioError
from tests.unit.orchestrator.scenario.text_fixtures import (
    CLIENT_KEYS,
    EMPTY,
    GOOD,
    KEYS,
    LIST,
    MAP,
    OPEN_KEYS,
    RAMP,
    SERVER_KEYS,
    TEXT,
    Problems,
)

Load = Callable[[str | bytes], Scenario]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("models: []", "6:9: models: the list is empty; write at least one model"),
        ("models: single", f"6:9: models: 'single' is text; {LIST}, or all"),
        ("models: {single: 1}", f"6:9: models: this is a map; {LIST}, or all"),
        ("models: [5]", f"6:10: 5 is a number; {TEXT}"),
        ("model: [single]", f"6:1: unknown key 'model'; did you mean 'models'? allowed: {KEYS}"),
        ("colour: red", f"6:1: unknown key 'colour'; allowed: {KEYS}"),
        ("server: {worker: 3}",
         f"6:10: unknown key 'worker'; did you mean 'workers'? allowed: {SERVER_KEYS}"),
        ("server: [workers]", f"6:9: server: this is a list; {MAP}"),
        ("server: 5", f"6:9: server: 5 is a number; {MAP}"),
        ("    user: 3",
         f"6:5: unknown key 'user'; did you mean 'users'? allowed: {CLIENT_KEYS}"),
        ("clients: [a]", "6:1: key 'clients' on line 6 is already on line 2; keep one"),
        ("seed: 1\nseed: 2", "7:1: key 'seed' on line 7 is already on line 6; keep one"),
        ("server:", "6:8: no value; write one or leave it out"),
        ("server: {workers: ~}", "6:19: no value; write one or leave it out"),
        ("limits: {cpu: 1}",
         "6:10: unknown key 'cpu'; did you mean 'cpus'? allowed: cpus, cpuset, client_cpuset, "
         "memory, sysctls"),
        ("expect: [failed == 0]", f"6:9: expect: this is a list; {MAP}"),
        ("expect: {all: failed == 0}", f"6:15: all: 'failed == 0' is text; {LIST}"),
        ("expect: {all: []}", "6:15: all: the list is empty; write at least one expectation"),
    ],
)  # fmt: skip
def test_a_bad_line_says_what_is_allowed(problems: Problems, lines: str, problem: str) -> None:
    assert problems(GOOD + lines + "\n") == [problem]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{}\n", [f"1:1: missing key 'intent'; keys here: {KEYS}",
                  f"1:1: missing key 'clients'; keys here: {KEYS}"]),
        ("intent: x\nclients: []\n", [EMPTY]),
        ("intent: x\nclients: {executor: closed}\n", [f"2:10: clients: this is a map; {LIST}"]),
        ("intent: x\nclients:\n  - executor: open\n    users: 7\n",
         [f"3:5: missing key {key!r}; keys here: {OPEN_KEYS}"
          for key in ("rate", "duration", "connections")]
         + [f"4:5: unknown key 'users'; allowed: {OPEN_KEYS}"]),
        (RAMP.format("[{duration: 1s, user: 5}]"),
         ["4:29: unknown key 'user'; did you mean 'users'? allowed: duration, users, rate"]),
        (GOOD.replace("Who waits?", "''"),
         ["1:9: intent: this is empty; write the question of this scenario in one sentence"]),
        (GOOD.replace("Who waits?", "7"), [f"1:9: intent: 7 is a number; {TEXT}"]),
        (GOOD.replace("Who waits?", "|\n  Who?\n  Why?"),
         ["1:9: intent: not a sentence; allowed: one line of at most 300 characters"]),
    ],
)  # fmt: skip
def test_a_scenario_needs_its_parts(problems: Problems, content: str, expected: list[str]) -> None:
    assert problems(content) == expected


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    found = problems(
        "1: x\n"
        "models: [foo]\n"
        "server: {wrokers: 1, workers: 0, backlog: }\n"
        "clients:\n"
        "  - executor: closed\n"
        "    users: 010\n"
        "timeout: 5\n"
        "expect: {bar: [x == 1, 3], all: [makespan == 2]}\n"
        "timeout: 5s\n"
    )
    assert [(line.partition(": ")[0], line.split()[1]) for line in found] == [
        ("1:1", "key"),
        ("1:1", "missing"),
        ("2:10", "unknown"),
        ("3:10", "unknown"),
        ("3:31", "workers:"),
        ("3:42", "no"),
        ("6:12", "'010'"),
        ("7:10", "timeout:"),
        ("8:16", "unknown"),
        ("8:24", "3"),
        ("8:46", "makespan"),
        ("9:1", "key"),
    ]


def test_a_problem_is_a_line_with_file_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD + "timeout: 5\nseed: x\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(path, ["single"])
    assert str(refusal.value).splitlines() == [
        f"{path}:6:10: timeout: 5 has no unit; write 5s or 5ms",
        f"{path}:7:7: seed: 'x' is text; allowed: a whole number from 0 to 4294967295",
    ]


WORDS = st.sampled_from([*KEYS.split(", "), *SERVER_KEYS.split(", "), *CLIENT_KEYS.split(", ")])
VALUES = st.sampled_from(
    ["closed", "single", "all", "sleep=1s", "100ms", "failed == 0", "\ud800", "a\nb", "[key]", ""]
)
SCALARS = st.none() | st.booleans() | st.integers(-2, 2**40) | st.floats() | VALUES | st.text()
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | VALUES, inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(WORDS | st.text(), PLAIN))
def test_any_map_is_a_scenario_or_refused_in_lines_that_print(
    load: Load, content: dict[str, object]
) -> None:
    try:
        load(yaml.safe_dump(content))
    except ScenarioError as error:
        refusal = error
    else:
        return
    assert all(problem.message.isprintable() for problem in refusal.problems)
    assert all(problem.line > 0 and problem.column > 0 for problem in refusal.problems)


def test_thousands_of_problems_are_counted_not_listed() -> None:
    many = ScenarioError(Problem("x.yaml", line, 1, "wrong") for line in range(1, 1001))
    lines = str(many).splitlines()
    assert lines[0] == "x.yaml:1:1: wrong"
    assert lines[-1] == "and 950 more"
    assert len(lines) == 51


def test_a_text_is_read_like_a_file() -> None:
    text = Path("scenarios/gil.yaml").read_text(encoding="utf-8")
    assert parse_scenario("mine", text, discover_models()) == load_scenario(
        Path("scenarios/gil.yaml"), discover_models(), ignored=discover_ignored()
    )
    with pytest.raises(ScenarioError, match="mine:1:1: the file is empty"):
        parse_scenario("mine", "", discover_models())
