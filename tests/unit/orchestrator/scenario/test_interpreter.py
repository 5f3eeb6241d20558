"""The interpreter of a scenario: a version however it is written, or the name of an image."""

from pathlib import Path

import pytest

from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import plan_cases
from tests.unit.conftest import MODELS, Load, Problems

SCENARIO = """\
intent: Which Python?
models: [threaded]
clients: [{executor: closed, users: 1, messages: 1}]
"""
TARGET = """\
intent: Which Python?
target: {command: [my-server]}
clients: [{executor: closed, users: 1, messages: 1}]
"""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("3.13", "3.13"),
        ('"3.13"', "3.13"),
        ("3.20", "3.20"),
        ("3.13t", "3.13t"),
        ("python:3.14-slim", "python:3.14-slim"),
        ("registry.example/mine/python@sha256:0badcafe", None),
        ("Registry.example:5000/a__b/my-python3.13_slim:3.13-Mine", None),
    ],
)
def test_a_version_is_read_as_it_is_written(load: Load, written: str, read: str | None) -> None:
    scenario = load(f"{SCENARIO}interpreter: {written}\n")
    assert scenario.interpreter == (read or written)
    (case,) = plan_cases(scenario)
    assert (case.interpreter, case.name) == (scenario.interpreter, "threaded")


@pytest.mark.parametrize("matrix", ["{interpreter: [3.20, 3.13t, 3.2]}"])
def test_versions_of_a_matrix_that_are_the_same_number_differ(
    problems: Problems, matrix: str
) -> None:
    """3.20 and 3.2 are one number in YAML; 3.2 is the one that is too old."""
    assert problems(f"{SCENARIO}matrix: {matrix}\n") == [
        "4:37: 3.2 is too old; the servers need Python 3.11 or newer"
    ]


@pytest.mark.parametrize(
    "matrix",
    ["{interpreter: [3.13, 3.13t]}", "[{interpreter: 3.13}, {interpreter: 3.13t}]"],
)
def test_each_interpreter_of_a_matrix_is_a_case(load: Load, matrix: str) -> None:
    cases = plan_cases(load(f"{SCENARIO}matrix: {matrix}\n"))
    assert [(case.name, case.interpreter, case.has_interpreter_lock) for case in cases] == [
        ("threaded,interpreter=3.13", "3.13", True),
        ("threaded,interpreter=3.13t", "3.13t", False),
    ]
    assert [case.slug for case in cases] == [
        "threaded_interpreter-3.13", "threaded_interpreter-3.13t",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("3.10", "4:14: interpreter: 3.10 is too old; the servers need Python 3.11 or newer"),
        ("2.7", "4:14: interpreter: 2.7 is too old; the servers need Python 3.11 or newer"),
        ("3.12t", "4:14: interpreter: 3.12t does not exist; free-threaded builds begin with 3.13t"),
        *((each, f"4:14: interpreter: '{each}' is no version of Python; write a version, e.g. 3.13 "
           "or 3.13t (free-threaded), or a base image, e.g. python:3.14-slim")
          for each in ("Python:3.13", "a//b", "x:--privileged", "/usr/bin/python3", "python3",
                       "python:3.13@sha512:1")),
        ("3.013", "4:14: interpreter: '3.013' is no version of Python; write a version, e.g. 3.13 "
         "or 3.13t (free-threaded), or a base image, e.g. python:3.14-slim"),
        ("2 * users", "4:14: interpreter: '2 * users' is no version of Python; write a version, "
         "e.g. 3.13 or 3.13t (free-threaded), or a base image, e.g. python:3.14-slim"),
        ("3", "4:14: interpreter: 3 is a number; write a version, e.g. 3.13 or 3.13t "
         "(free-threaded), or a base image, e.g. python:3.14-slim"),
        ("pypy", "4:14: interpreter: 'pypy' is no version of Python; write a version, e.g. 3.13 or "
         "3.13t (free-threaded), or a base image, e.g. python:3.14-slim"),
        ("true", "4:14: interpreter: true is a truth value; write a version, e.g. 3.13 or 3.13t "
         "(free-threaded), or a base image, e.g. python:3.14-slim"),
    ],
)  # fmt: skip
def test_what_cannot_run_the_servers_is_refused(
    problems: Problems, written: str, problem: str
) -> None:
    assert problems(f"{SCENARIO}interpreter: {written}\n") == [problem]


def test_a_variable_keeps_how_its_value_was_written(scenario_file: Path) -> None:
    scenario_file.write_text(
        f"{SCENARIO}variables: {{python: 3.20, more: 3.30}}\n"
        "interpreter: $python\nmatrix: {interpreter: [$python, '${more}t']}\n"
    )
    scenario = load_scenario(scenario_file, MODELS)
    assert (scenario.interpreter, scenario.matrix) == ("3.20", {"interpreter": ("3.20", "3.30t")})
    assert load_scenario(scenario_file, MODELS, {"python": "3.40"}).interpreter == "3.40"


def test_other_decimals_are_plain_numbers(load: Load) -> None:
    scenario = load(f"{SCENARIO}limits: {{cpus: 1.50}}\nmatrix: {{cpus: [0.50, 1.50]}}\n")
    assert isinstance(scenario.matrix, dict)
    assert {type(value) for value in (scenario.limits.cpus, *scenario.matrix["cpus"])} == {float}


def test_a_stored_scenario_has_the_same_interpreter(load: Load) -> None:
    scenario = load(f"{SCENARIO}interpreter: 3.20\nmatrix: {{interpreter: [3.20, 3.13t]}}\n")
    resolved = scenario.resolved()
    assert (resolved["interpreter"], resolved["matrix"]) == (
        "3.20", {"interpreter": ["3.20", "3.13t"]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "where"),
    [
        ("interpreter: 3.13", "4:1"),
        ("matrix: {interpreter: [3.13, 3.13t]}", "4:10"),
        ("matrix: [{interpreter: 3.13}, {interpreter: 3.13t}]", "4:11"),
    ],
)
def test_a_target_alone_has_no_interpreter(problems: Problems, key: str, where: str) -> None:
    assert problems(f"{TARGET}{key}\n") == [
        f"{where}: a target brings its own; only the lab's models run on this interpreter"
    ]


def test_a_target_beside_models_has_one_case(load: Load) -> None:
    cases = plan_cases(load(f"{TARGET}models: [epoll]\nmatrix: {{interpreter: [3.13, 3.13t]}}\n"))
    assert [case.name for case in cases] == [
        "epoll,interpreter=3.13", "target", "epoll,interpreter=3.13t",
    ]  # fmt: skip
