"""Numbers of a scenario that are computed from others."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.scenario.arithmetic import resolve_arithmetic
from orchestrator.scenario.clients import ClosedGroup, OpenGroup
from orchestrator.scenario.matrix import points
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.yaml_document import Document, Place
from tests.unit.conftest import Load
from tests.unit.orchestrator.scenario.text_fixtures import GOOD, Problems

OPEN = """\
intent: Who waits?
models: [prefork]
clients:
  - executor: open
    rate: {rate}
    duration: 2s
    connections: {connections}
    demand: sleep=50ms
"""


def open_group(load: Load, rate: str, more: str = "") -> OpenGroup:
    (group,) = load(OPEN.format(rate=rate, connections="each") + more).clients
    assert isinstance(group, OpenGroup)
    return group


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("28/s", "28/s"),
        ("0.7 * 2 / 50ms", "28/s"),
        ("0.7 * 2 / service_time", "28/s"),  # the demand's mean
        ("14/s * 2", "28/s"),
        ("1680/m * 1", "28/s"),
        ("70% * workers / service_time", "70/s"),  # the servers' default, 5 workers
        ("1 / 3s", "0.333333/s"),
    ],
)
def test_a_rate_can_be_computed(load: Load, written: str, rate: str) -> None:
    assert open_group(load, written).rate == rate


def test_a_value_of_each_unit_is_written_as_in_a_scenario(load: Load) -> None:
    text = GOOD + "    think_time: 2 * 12.5ms\nserver: {workers: 2 * 3, drain_timeout: 3 * 1.5s}\n"
    scenario = load(text + "limits: {memory: 2 * 64MiB, cpus: workers / 4}\n")
    (group,) = scenario.clients
    assert isinstance(group, ClosedGroup)
    assert group.think_time == "25ms"
    assert (scenario.server.workers, scenario.server.drain_timeout) == (6, "4.5s")
    assert (scenario.limits.memory, scenario.limits.cpus) == ("128MiB", 1.5)
    assert not scenario.matrix


def test_what_differs_between_points_is_an_axis_that_moves_along(load: Load) -> None:
    text = OPEN.format(rate="0.7 * workers / service_time", connections="4 * workers")
    scenario = load(text + "matrix: {workers: [2, 4]}\n")
    assert points(scenario.matrix) == [
        {"workers": 2, "rate": "28/s", "connections": 8},
        {"workers": 4, "rate": "56/s", "connections": 16},
    ]
    assert [case.name for case in plan_cases(scenario)] == [
        "prefork,workers=2,rate=28/s,connections=8",
        "prefork,workers=4,rate=56/s,connections=16",
    ]
    rates = [case.inputs()["arrival_rate"] for case in plan_cases(scenario)]
    assert rates == pytest.approx([28, 56])


def test_what_is_equal_at_all_points_is_no_axis(load: Load) -> None:
    text = OPEN.format(rate="10/s * min(workers, 2)", connections="each")
    scenario = load(text + "matrix: {workers: [2, 4]}\n")
    assert scenario.matrix == {"workers": (2, 4)}
    (group,) = scenario.clients
    assert isinstance(group, OpenGroup)
    assert group.rate == "20/s"


@pytest.mark.parametrize(
    "matrix", ["{workers: [1, 2], users: [2 * workers]}",
               "[{workers: 1, users: 2}, {workers: 2, users: 2 * workers}]"],
)  # fmt: skip
def test_a_value_of_the_matrix_may_name_other_axes(load: Load, matrix: str) -> None:
    found = points(load(f"{GOOD}matrix: {matrix}\n").matrix)
    assert found == [{"workers": 1, "users": 2}, {"workers": 2, "users": 4}]


@pytest.mark.parametrize("values", ["[28/s, 56/s]", "[1 * 28/s, 56/s]"])
def test_a_matrix_replaces_arithmetic_elsewhere_like_any_other_value(
    load: Load, values: str
) -> None:
    text = OPEN.format(rate="0.7 * workers / service_time", connections="each")
    scenario = load(f"{text}matrix: {{workers: [2, 4], rate: {values}}}\n")
    assert [point["rate"] for point in points(scenario.matrix)] == ["28/s", "56/s"] * 2


@pytest.mark.parametrize(
    ("matrix", "problem"),
    [
        ("{rate: [28/s, 0.7]}", "9:23: 0.7 has no unit"),
        ("{rate: [0.7, 28/s]}", "9:17: 0.7 has no unit"),
        ("{workers: []}", "9:19: workers: the list is empty"),
        ("[]", "9:9: matrix: the list is empty"),
        ("7", "9:9: matrix: 7 is a number"),
    ],
)
def test_a_bad_matrix_is_no_problem_of_the_arithmetic_that_it_replaces_or_needs(
    problems: Problems, matrix: str, problem: str
) -> None:
    text = OPEN.format(rate="0.7 * workers / service_time", connections="each")
    (found,) = problems(f"{text}matrix: {matrix}\n")
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("users: []", "8:18: this is a list; write a single value"),
        ("users: x", "8:18: 'x' is text"),
        ("demand: x", "8:19: 'x' is not a demand"),
    ],
)
def test_a_bad_value_of_the_matrix_is_reported_beside_an_invalid_group(
    problems: Problems, value: str, problem: str
) -> None:
    """An invalid group leaves the axes unknown, so that the matrix is not checked otherwise."""
    text = (
        "intent: x\nmodels: [prefork]\nclients:\n"
        "  - {executor: closed, users: 3, messages: 2, duration: 1s * users * service_time / 1s}\n"
        "limits: {cpus: 1}\n"
        "server:\n  backlog: 2 * users\n"
    )
    (found,) = problems(f"{text}matrix: [{{{value}}}]\n")
    assert found.startswith(problem)


def test_keys_of_groups_are_named_with_their_group_or_alone_within_it(load: Load) -> None:
    text = (
        "intent: x\nclients:\n"
        "  - {name: a, executor: closed, users: 2, messages: 2 * users}\n"
        "  - {name: b, executor: closed, users: 3 * a.users, messages: a.messages}\n"
    )
    first, second = load(text).clients
    assert isinstance(first, ClosedGroup)
    assert isinstance(second, ClosedGroup)
    assert (first.messages, second.users, second.messages) == (4, 6, 4)


def test_the_stored_scenario_has_the_values(load: Load) -> None:
    text = OPEN.format(rate="14/s * workers", connections="each")
    stored = load(text + "matrix: {workers: [2, 4]}\n").resolved()
    assert stored["matrix"] == [{"workers": 2, "rate": "28/s"}, {"workers": 4, "rate": "56/s"}]
    assert stored["clients"][0]["rate"] == "28/s"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("server: {workers: 2 * }",
         "6:22: the expression ends too early; a number or a name is missing"),
        ("server: {workers: 2 * wrkers}", "6:23: unknown key 'wrkers'; did you mean 'workers'?"),
        ("server: {workers: 2 * p99}", "6:23: unknown key 'p99'; "),
        ("server: {workers: accept}", "6:19: accept is not a number in this scenario"),
        ("interpreter: 3.13\nserver: {workers: 2 * interpreter}",
         "7:23: interpreter is not a number in this scenario"),
        ('server: {workers: "ceil(users / 2, 3)"}', "6:20: ceil takes one value and got 2"),
        ("server: {workers: users * 50ms}",
         "6:19: users * 50ms is a time, and workers is a bare number"),
        ("server: {drain_timeout: 2 * workers}",
         "6:25: 2 * workers is a bare number, and drain_timeout is a time, e.g. 50ms"),
        ("server: {workers: users + 1s}",
         "6:27: users is a bare number and 1s is a time; both need the same unit"),
        ("server: {workers: users / 2}",
         "6:19: users / 2 is 3.5: 3.5 is a number; allowed: a whole number from 1 to 1024; "
         "round it with ceil or floor"),
        ("server: {workers: users - 7}",
         "6:19: users - 7 is 0: 0 is out of range; allowed: a whole number from 1 to 1024"),
        ("server: {workers: users / (7 - users)}", "6:19: users / (7 - users): division by zero"),
        ("server: {workers: 2 * workers}", "6:19: workers depends on itself: workers -> workers"),
        ("server: {workers: 2 * backlog, backlog: workers / 2}",
         "6:19: workers depends on itself: workers -> backlog -> workers"),
        ("server: {workers: 2 * max_message_bytes, max_message_bytes: 2 * backlog, "
         "backlog: 2 * max_message_bytes}",
         "6:61: max_message_bytes depends on itself: max_message_bytes -> backlog -> max"),
        ("server: {workers: 2 * pipeline}",
         "6:23: pipeline has no value in this scenario; write one"),
        ("server: {idle_timeout: off, drain_timeout: 2 * idle_timeout}",
         "6:48: idle_timeout is not a number in this scenario"),
        ("matrix: {workers: [1, 2], users: [3 - workers, 1 - workers]}",
         "6:48: 1 - workers is 0 at workers=1: 0 is out of range"),
        ("matrix: [{workers: 1, users: 1}, {workers: 2, users: workers / 4}]",
         "6:54: workers / 4 is 0.5 at workers=2: 0.5 is a number"),
        ("matrix: {workers: [1, 2], users: [1 * 1, 2 - 1]}",
         "6:42: this point is already in the list; write each once"),
        ("server: {workers: many}", "6:19: workers: 'many' is text; allowed: a whole number"),
        ("server: {drain_timeout: 5 s}", "6:25: drain_timeout: '5 s' is not a duration; write"),
    ],
)  # fmt: skip
def test_bad_arithmetic_says_what_and_where(problems: Problems, line: str, problem: str) -> None:
    (found,) = problems(GOOD + line + "\n")
    assert found.startswith(problem)


def test_what_follows_from_an_invalid_value_is_not_reported(problems: Problems) -> None:
    (found,) = problems(GOOD + "server: {workers: 0, backlog: 2 * workers}\n")
    assert found.startswith("6:19: workers: 0 is out of range")


def test_a_long_chain_of_values_is_refused(problems: Problems) -> None:
    """Each key of 20 groups is computed from the one before: too deep to follow."""
    keys = ["users", "messages", "replicas"]
    groups, last = [], "1 * 1"
    for number in range(20):
        group = {}
        for key in keys:
            group[key], last = f'"{last}"', f"1 * g{number}.{key}"
        pairs = ", ".join(f"{key}: {value}" for key, value in group.items())
        groups.append(f"  - {{name: g{number}, executor: closed, {pairs}}}\n")
    (found,) = problems("intent: x\nclients:\n" + "".join(reversed(groups)))
    assert found.endswith("more than 50 values that follow from each other")


def test_too_many_points_are_refused_at_once(problems: Problems) -> None:
    values = ", ".join(map(str, range(1, 60)))
    matrix = (
        f"{{workers: [{values}], backlog: [{values}], users: [{values}], messages: [2 * users]}}"
    )
    assert problems(f"{GOOD}matrix: {matrix}\n") == [
        "6:9: more than 200 points; write fewer values",
    ]


WORDS = ["workers", "users", "rate", "2", "50ms", "28/s", "*", "/", "+", "(", ")", "min", ",", "."]


@settings(max_examples=50)
@given(
    where=st.sampled_from(["server", "matrix", "clients"]),
    words=st.lists(st.sampled_from(WORDS), max_size=8),
)
def test_any_text_is_computed_or_refused(where: str, words: list[str]) -> None:
    """Whatever is written, the document has a value, or a problem, or was left for validation."""
    text = " ".join(words)
    closed = {"executor": "closed", "users": text if where == "clients" else 7, "messages": 5}
    data: dict[str, Any] = {"clients": [closed], "matrix": {}}
    if where == "server":
        data["server"] = {"workers": text}
    elif where == "matrix":
        data["matrix"] = {"workers": [text, 3]}
    document = Document("x.yaml", data)
    document.places[()] = Place((1, 1), (1, 1))
    resolve_arithmetic(document)
    assert all(problem.message for problem in document.problems)


@given(first=st.integers(1, 50), second=st.integers(1, 20))
def test_a_value_is_that_of_ordinary_arithmetic(first: int, second: int) -> None:
    text = f"ceil({first} / {second}) + users"
    clients = [{"executor": "closed", "users": 2, "messages": 5}]
    document = Document("x.yaml", {"clients": clients, "server": {"workers": text}})
    resolve_arithmetic(document)
    assert document.data["server"] == {"workers": math.ceil(first / second) + 2}
