"""Errors in a matrix."""

import pytest

from orchestrator.scenario.matrix import Point, count_points, points
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.server import SYSCTLS
from tests.unit.conftest import Load
from tests.unit.orchestrator.scenario.text_fixtures import GOOD, SERVER_KEYS, Problems

AXES = (
    "replicas, demand, start, connect_timeout, answer_timeout, deadline, users, messages, "
    f"duration, think_time, behaviour, pipeline, pace, {SERVER_KEYS}, cpus, cpuset, "
    f"client_cpuset, memory, {', '.join(SYSCTLS)}, interpreter"
)
POINT = "write a map with a value for each axis, e.g. {workers: 2, users: 4}"
GROUP_AXES = AXES.partition(", workers")[0].split(", ")
AXES_OF_TWO = ", ".join(
    [f"{name}.{key}" for name in "ab" for key in GROUP_AXES]
    + AXES.removeprefix(", ".join(GROUP_AXES) + ", ").split(", ")
)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("matrix: 3", "6:9: matrix: 3 is a number; write a map of lists, e.g. {workers: [1, 2]}, "
         "or a list of points, e.g. [{workers: 1}]"),
        ("matrix: [workers]", f"6:10: 'workers' is text; {POINT}"),
        ("matrix: [{}]", f"6:10: this map is empty; {POINT}"),
        ("matrix: []", "6:9: matrix: the list is empty; write at least one point"),
        ("matrix: [{workers: [1, 2]}]",
         "6:20: workers: this is a list; write a single value"),
        ("matrix: [{wokers: 1}]",
         f"6:11: unknown axis 'wokers'; did you mean 'workers'? allowed: {AXES}"),
        ("matrix: [{workers: 1, users: 2}, {workers: 2}]",
         "6:34: this point has no users; each point has the same axes"),
        ("matrix: [{workers: 1}, {workers: 2, users: 2}]",
         "6:24: the first point has no users; each point has the same axes"),
        ("matrix: [{workers: 1}, {workers: 2}, {workers: 1}]",
         "6:38: this point is already in the list; write each once"),
        ("matrix: [{replicas: 7}, {replicas: 8}]",
         "6:36: replicas: 8 replicas for 7 users; each replica needs at least one user"),
        ("matrix: [" + ", ".join(f"{{backlog: {n}}}" for n in range(1, 202)) + "]",
         "6:9: matrix: 201 points; allowed: at most 200"),
        ("matrix: {wokers: [1]}",
         f"6:10: unknown axis 'wokers'; did you mean 'workers'? allowed: {AXES}"),
        ("matrix: {executor: [closed]}", f"6:10: unknown axis 'executor'; allowed: {AXES}"),
        ("  - {name: a, executor: closed, users: 1, messages: 1}\nmatrix: {users: [1]}",
         "3:5: this group has no name; with several groups, name each"),
        ("    name: a\n  - {name: b, executor: closed, users: 1, messages: 1}\n"
         "matrix: {b.user: [1]}",
         f"8:10: unknown axis 'b.user'; did you mean 'b.users'? allowed: {AXES_OF_TWO}"),
        ("    name: a\n  - {name: b, executor: closed, users: 1, messages: 1}\n"
         "matrix: {b.users: [2, 0], b.replicas: [3]}",
         "8:23: 0 is out of range; allowed: a whole number from 1 to 10000"),
        ("    name: a\n  - {name: b, executor: closed, users: 1, messages: 1}\n"
         "matrix: {b.users: [2, 3], b.replicas: [3]}",
         "8:40: 3 replicas for 2 users; each replica needs at least one user"),
        ("matrix: {demand: [[sleep=1s]]}", "6:19: this is a list; write a single value"),
        ("matrix: {demand: ['sleep=1s, sleep=2m']}",
         "6:19: 'sleep=2m' is more than the 60s that a server allows; see max_service_time"),
        ("matrix: {workers: 3}",
         "6:19: workers: 3 is a number; write a list of values, e.g. [1, 2]"),
        ("matrix: {workers: []}", "6:19: workers: the list is empty; write at least one value"),
        ("matrix: {workers: [1, 2, 1]}",
         "6:26: this value is already in the list; write each value once"),
        ("matrix: {workers: [1, 0]}",
         "6:23: 0 is out of range; allowed: a whole number from 1 to 1024"),
        ("matrix: {workers: [true]}",
         "6:20: true is a truth value; allowed: a whole number from 1 to 1024"),
        ("matrix: {workers: [{a: 1}]}",
         "6:20: this is a map; allowed: a whole number from 1 to 1024"),
        ("matrix: {workers: [1, ~]}", "6:23: no value; write one or leave it out"),
        ("matrix: {demand: [sleep=1s, sleep=2m]}",
         "6:29: 'sleep=2m' is more than the 60s that a server allows; see max_service_time"),
        ("matrix: {replicas: [7, 8]}",
         "6:24: 8 replicas for 7 users; each replica needs at least one user"),
        ("matrix: {backlog: [" + ", ".join(map(str, range(1, 202))) + "]}",
         "6:19: backlog: 201 values; allowed: at most 200"),
        ("matrix: {workers: [1, 2, 3, 4, 5, 6, 7, 8], backlog: [1, 2, 3, 4, 5, 6, 7]}",
         "6:9: matrix: 224 cases (models x points); allowed: at most 200"),
    ],
)  # fmt: skip
def test_a_bad_matrix_says_what_is_allowed(problems: Problems, line: str, problem: str) -> None:
    assert problems(GOOD + line + "\n") == [problem]


def test_points_of_a_list_move_together(load: Load) -> None:
    scenario = load(GOOD + "matrix: [{workers: 2, users: 4}, {workers: 4, users: 8}]\n")
    together: list[Point] = [{"workers": 2, "users": 4}, {"workers": 4, "users": 8}]
    assert points(scenario.matrix) == together
    assert scenario.resolved()["matrix"] == together
    assert count_points(scenario.matrix) == 2
    assert [scenario.settings.at(each).groups[0].peak_users for each in together] == [4, 8]


def test_off_is_a_value_of_a_point(load: Load) -> None:
    scenario = load(GOOD + "matrix: [{idle_timeout: off}, {idle_timeout: 1s}]\n")
    assert points(scenario.matrix) == [{"idle_timeout": "off"}, {"idle_timeout": "1s"}]


def test_a_setting_of_the_kernel_is_an_axis_by_its_name(load: Load) -> None:
    name = "net.ipv4.tcp_migrate_req"
    scenario = load(
        GOOD + f"limits: {{cpus: 1, sysctls: {{{name}: 0, net.ipv4.tcp_tw_reuse: 1}}}}\n"
        f"matrix: {{{name}: [0, 1]}}\n"
    )
    first, *_, second = plan_cases(scenario)
    assert (first.axes, second.axes) == ({name: 0}, {name: 1})
    assert second.settings.limits.sysctl_values == {name: 1, "net.ipv4.tcp_tw_reuse": 1}
    assert second.settings.limits.cpus == 1


def test_a_setting_of_the_kernel_need_not_be_set_to_be_an_axis(load: Load) -> None:
    scenario = load(GOOD + "matrix: {net.ipv4.tcp_migrate_req: [1]}\n")
    (case, *_) = plan_cases(scenario)
    assert case.settings.limits.sysctl_values == {"net.ipv4.tcp_migrate_req": 1}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{net.ipv4.tcp_migrate_rq: 1}", "6:20: unknown key 'net.ipv4.tcp_migrate_rq'; did you "
         f"mean 'net.ipv4.tcp_migrate_req'? allowed: {', '.join(SYSCTLS)}"),
        ("{kernel.panic: 1}", f"6:20: unknown key 'kernel.panic'; allowed: {', '.join(SYSCTLS)}"),
        ("{net.ipv4.tcp_migrate_req: 2}", "6:46: net.ipv4.tcp_migrate_req: 2 is out of range; "
         "allowed: a whole number from 0 to 1"),
        ("net.ipv4.tcp_migrate_req", "6:19: sysctls: 'net.ipv4.tcp_migrate_req' is text; write a "
         "map, e.g. {a: 1, b: 2}"),
    ],
)  # fmt: skip
def test_only_known_settings_of_the_kernel_are_allowed(
    problems: Problems, written: str, problem: str
) -> None:
    assert problems(GOOD + f"limits: {{sysctls: {written}}}\n") == [problem]


def test_a_setting_of_the_kernel_can_be_computed(load: Load) -> None:
    text = "limits: {sysctls: {net.ipv4.tcp_max_syn_backlog: 2 * backlog}}\nserver: {backlog: 64}\n"
    scenario = load(GOOD + text)
    assert scenario.limits.sysctl_values == {"net.ipv4.tcp_max_syn_backlog": 128}


AGAIN = """\
intent: x
models: [single]
clients:
  - {{name: a, executor: open, rate: 5/s, duration: 1s, connections: each, answer_timeout: 1s{}}}
  - {{name: b, executor: closed, users: 1, messages: 1}}
matrix: {{a.retry.budget: [20%, 35%], a.rate: [5/s, 6/s]}}
"""


@pytest.mark.parametrize(
    ("retry", "attempts"), [("", 3), (", retry: {attempts: 7, budget: 1%}", 7)]
)
def test_a_key_of_retry_is_an_axis_whether_it_is_set_or_not(
    load: Load, retry: str, attempts: int
) -> None:
    cases = plan_cases(load(AGAIN.format(retry)))
    assert [case.orders[0].retry_budget for case in cases] == [0.2, 0.2, 0.35, 0.35]
    assert [case.orders[0].initial for case in cases] == [5, 6, 5, 6]
    assert {case.orders[0].attempts for case in cases} == {attempts}
    assert {case.orders[1].attempts for case in cases} == {1}
    assert cases[0].name == "single,a.retry.budget=20%,a.rate=5/s"


def test_a_bad_value_of_a_key_of_retry_has_its_place(problems: Problems) -> None:
    assert problems(AGAIN.format("").replace("35%", "35")) == [
        "6:32: 35 has no unit; write 35%, a number of percent"
    ]
