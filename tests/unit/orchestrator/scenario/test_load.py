"""Errors in a scenario file: their place, what is wrong, and what is allowed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.views import SIMULATED
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.yaml_document import Problem, ScenarioError

Load = Callable[[str | bytes], Scenario]
Problems = Callable[[str | bytes], list[str]]

GOOD = """\
intent: Who waits?
clients:
  - executor: closed
    users: 7
    messages: 5
"""
"""Five good lines, for a bad sixth."""

RAMP = "intent: x\nclients:\n  - executor: ramp\n    stages: {}\n"
OPEN = (
    "intent: x\nclients:\n  - executor: open\n    rate: {}\n    duration: 2s\n"
    "    connections: {}\n    replicas: 3\n"
)
GROUPS = "intent: x\nclients:\n" + "".join(
    f"  - {{{{name: {name}, executor: closed, users: {{0}}, messages: 1, replicas: {{1}}}}}}\n"
    for name in "ab"
)
KEYS = (
    "intent, target, models, server, limits, clients, matrix, expect, guess, compare, faults, "
    "validity, repeats, order, warmup, timeout, seed, variables"
)
SERVER_KEYS = (
    "workers, backlog, work, service_time, max_message_bytes, max_service_time, idle_timeout, "
    "drain_timeout, blocking_sleep"
)
GROUP_KEYS = "executor, name, replicas, demand, start, connect_timeout, answer_timeout"
CLIENT_KEYS = f"{GROUP_KEYS}, users, messages, duration, think_time, behaviour, pipeline, pace"
OPEN_KEYS = f"{GROUP_KEYS}, rate, duration, connections, arrivals"
EXECUTORS = "closed, open, ramp"
MODELS = "single, prefork, threaded, epoll"
UNIT = "write a number and a unit: us, ms, s, m"
DEMAND = "write e.g. sleep=100ms, cpu=5ms, or a distribution, sleep=exponential(100ms)"
LAW = (
    "is neither a duration nor a distribution; write 50ms, exponential(50ms), "
    "hyperexponential(50ms, scv=4) or bimodal(5ms, 100ms, share=0.9)"
)
SIZE = "write a size: a number and B, kB, KB, MB, GB, KiB, MiB, GiB"
TEXT = "write text, in quotes if it looks like a number"
EMPTY = "2:10: clients: the list is empty; write at least one group"
LIST = "write a list, e.g. [a, b]"
MAP = "write a map, e.g. {a: 1, b: 2}"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("models: [single, preforc]",
         f"6:18: unknown model 'preforc'; did you mean 'prefork'? allowed: {MODELS}"),
        ("models: [nginx]", f"6:10: unknown model 'nginx'; allowed: {MODELS}"),
        ("models: [epoll, single, epoll]",
         "6:25: this model is already in the list; name each model once"),
        ("models: []", "6:9: models: the list is empty; write at least one model"),
        ("models: single", f"6:9: models: 'single' is text; {LIST}"),
        ("models: {single: 1}", f"6:9: models: this is a map; {LIST}"),
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
        ("server: {workers: 0}",
         "6:19: workers: 0 is out of range; allowed: a whole number from 1 to 1024"),
        ("server: {workers: -5}",
         "6:19: workers: -5 is out of range; allowed: a whole number from 1 to 1024"),
        ("server: {workers: 5.0}",
         "6:19: workers: 5.0 is a number; allowed: a whole number from 1 to 1024"),
        ("server: {workers: '5'}",
         "6:19: workers: '5' is text; allowed: a whole number from 1 to 1024"),
        ("server: {workers: true}",
         "6:19: workers: true is a truth value; allowed: a whole number from 1 to 1024"),
        ("server: {workers: [1, 2]}",
         "6:19: workers: this is a list; allowed: a whole number from 1 to 1024"),
        ("server: {blocking_sleep: 1}",
         "6:26: blocking_sleep: 1 is a number; allowed: true or false"),
        ("server: {work: slep}",
         "6:16: work: unknown value 'slep'; did you mean 'sleep'? allowed: sleep, cpu"),
        ("server: {work: 1}", "6:16: work: 1 is a number; allowed: sleep, cpu"),
        ("seed: -1",
         "6:7: seed: -1 is out of range; allowed: a whole number from 0 to 4294967295"),
        ("    replicas: 1000000",
         "6:15: replicas: 1000000 is out of range; allowed: a whole number from 1 to 200"),
        ("    replicas: 8",
         "6:15: replicas: 8 replicas for 7 users; each replica needs at least one user"),
        ("timeout: 100", "6:10: timeout: 100 is a bare number; write a unit, e.g. 100ms"),
        ("timeout: 1.5", "6:10: timeout: 1.5 is a bare number; write a unit, e.g. 1.5ms"),
        ("timeout: '100'", f"6:10: timeout: '100' is not a duration; {UNIT}"),
        ("timeout: 1h", f"6:10: timeout: '1h' is not a duration; {UNIT}"),
        ("timeout: -1s", f"6:10: timeout: '-1s' is not a duration; {UNIT}"),
        ("timeout: true", "6:10: timeout: true is a truth value; write a duration, e.g. 100ms"),
        ("timeout: 0s", "6:10: timeout: '0s' is out of range; allowed: 100ms to 60m"),
        ("limits: {cpus: 0}",
         "6:16: cpus: 0 is out of range; allowed: a number from 0.05 to 256"),
        ("limits: {cpus: many}", "6:16: cpus: 'many' is text; allowed: a number from 0.05 to 256"),
        ("limits: {memory: 64}", f"6:18: memory: 64 is a number; {SIZE}"),
        ("limits: {memory: 64Mb}", f"6:18: memory: '64Mb'; {SIZE}"),
        ("limits: {memory: 1MiB}",
         "6:18: memory: '1MiB' is out of range; allowed: 8MiB to 1024GiB"),
        ("limits: {cpu: 1}",
         "6:10: unknown key 'cpu'; did you mean 'cpus'? allowed: cpus, memory"),
        ("    demand: 100ms", f"6:13: demand: '100ms' is not a demand; {DEMAND}"),
        ("    demand: slepp=1s", f"6:13: demand: 'slepp=1s' is not a demand; {DEMAND}"),
        ("    demand: 5", f"6:13: demand: 5 is a number; {DEMAND}"),
        ("    demand: sleep=1", f"6:13: demand: 'sleep=1': '1' {LAW}"),
        ("    demand: cpu=99m", "6:13: demand: 'cpu=99m' is out of range; allowed: 60m on average"),
        ("    demand: sleep=normal(1s)", f"6:13: demand: 'sleep=normal(1s)': 'normal(1s)' {LAW}"),
        ("    demand: sleep=hyperexponential(1s, scv=0.5)",
         "6:13: demand: 'sleep=hyperexponential(1s, scv=0.5)': scv=0.5 is out of range; "
         "allowed: 1 to 1000"),
        (f"    demand: '{', '.join(['sleep=1s'] * 300)}'",
         "6:13: demand: 2998 characters; allowed: at most 2000"),
        ("    demand: []", "6:13: demand: the list is empty; write at least one demand"),
        ("    demand: [sleep=1s, 5]", f"6:24: 5 is a number; {DEMAND}"),
        ("    think_time: 5", "6:17: think_time: 5 is a number; write 50ms, exponential(50ms), "
         "hyperexponential(50ms, scv=4) or bimodal(5ms, 100ms, share=0.9)"),
        ("    think_time: often", f"6:17: think_time: 'often' {LAW}"),
        ("    name: 5 o'clock",
         "6:11: name: \"5 o'clock\" is not a name; write a word of at most 30 letters, digits "
         "and _ that begins with a letter"),
        ("    behaviour: rude",
         "6:16: behaviour: unknown value 'rude'; allowed: polite, no-goodbye, pipeline, "
         "slow-sender, slow-reader, silent, vanish, reset, garbage, oversize"),
        ("    behaviour: pipeline",
         "6:16: behaviour: the number of messages in flight is missing; write e.g. pipeline: 8"),
        ("    behaviour: silent",
         "6:16: behaviour: a silent client never finishes; write a duration"),
        ("    pipeline: 5", "6:15: pipeline: allowed with behaviour: pipeline only"),
        ("    pace: 5ms", "6:11: pace: allowed with the behaviours slow-sender, slow-reader, "
         "vanish, reset only"),
        ("    duration: 3m", "6:15: duration: the load lasts until 180s, but timeout ends it at "
         "120s; write a longer timeout"),
        ("    start: 2m", "6:12: start: the load lasts until 120s, but timeout ends it at "
         "120s; write a longer timeout"),
        ("expect: {all: [late.p99 < 1s]}",
         "6:16: unknown group 'late'; allowed: clients, slowest, predicted, replayed"),
        ("expect: {all: [p99 ~= predicted.cpu_time within 1%]}",
         "6:23: cpu_time has no value for each group; write cpu_time"),
        ("expect: {all: [predicted.errors == 0]}",
         "6:16: unknown measure of predicted 'errors'; allowed: " + ", ".join(SIMULATED)),
        ("expect: {all: [clients.cpu_time < 1s]}",
         "6:16: cpu_time has no value for each group; write cpu_time"),
        ("    demand: sleep=61s",
         "6:13: demand: 'sleep=61s' is more than the 60s that a server allows; "
         "see max_service_time"),
        ("server: {service_time: 2s, max_service_time: 1s}",
         "6:24: service_time: 2s is more than max_service_time, 1s"),
        ("server: {max_service_time: 1s}",
         "6:9: service_time: 2s is more than max_service_time, 1s"),
        ("  - {executor: closed, users: 1, messages: 1}",
         ["3:5: this group has no name; with several groups, name each",
          "6:5: this group has no name; with several groups, name each"]),
        ("    name: a\n  - {name: a, executor: closed, users: 1, messages: 1}",
         "7:12: name: 'a' is already used; give each group its own name"),
        ("  - 5",
         "6:5: 5 is a number; write a map, e.g. {executor: closed, users: 5, messages: 10}"),
        ("  - {}", f"6:5: missing key 'executor'; write one of {EXECUTORS}"),
        ("  - {executor: opne}",
         f"6:16: executor: unknown value 'opne'; did you mean 'open'? allowed: {EXECUTORS}"),
        ("  - {executor: 5}", f"6:16: executor: 5 is a number; allowed: {EXECUTORS}"),
    ],
)  # fmt: skip
def test_a_bad_line_says_what_is_allowed(
    problems: Problems, line: str, problem: str | list[str]
) -> None:
    expected = [problem] if isinstance(problem, str) else problem
    assert problems(GOOD + line + "\n") == expected


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
        ("intent: x\nclients: [{executor: closed, users: 5}]\n",
         ["2:37: users: the load has no end; write messages, duration or both"]),
        (RAMP.format("[]"), ["4:13: stages: the list is empty; write at least one stage"]),
        (RAMP.format("[{duration: 1s}, {duration: 1s, users: 1, rate: 1/s}]"),
         ["4:14: a stage has neither; write users or rate",
          "4:30: a stage has both; write users or rate"]),
        (RAMP.format("[{duration: 1s, users: 5}, {duration: 1s, rate: 1/s}]"),
         ["4:13: stages: some stages have users and some a rate; write one or the other in all"]),
        (RAMP.format("[{duration: 1s, user: 5}]"),
         ["4:29: unknown key 'user'; did you mean 'users'? allowed: duration, users, rate"]),
        (RAMP.format("[{duration: 1s, rate: 5/s}]"),
         ["4:13: stages: a rate needs connections: each, or the size of a pool"]),
        (OPEN.format("200", "each"),
         ["4:11: rate: 200 is a number; write a rate, e.g. 200/s or 30/m"]),
        (OPEN.format("200/h", "each"), ["4:11: rate: '200/h'; write a rate, e.g. 200/s or 30/m"]),
        (OPEN.format("0/s", "each"),
         ["4:11: rate: '0/s' is out of range; allowed: 0.001/s to 1000000/s"]),
        (OPEN.format("1000000/s", "each"),
         ["4:11: rate: 2000000 arrivals in a case (rate x duration); allowed: at most 1000000"]),
        (OPEN.format("5/s", "all"),
         ["6:18: connections: 'all'; allowed: each (one for each arrival), or a pool of "
          "1 to 10000"]),
        (OPEN.format("5/s", "2"),
         ["7:15: replicas: 3 replicas for 2 connections; each replica needs at least one "
          "connection"]),
        (GROUPS.format("6000", "1"),
         ["4:40: users: 12000 users in all groups; allowed: at most 10000"]),
        (GROUPS.format("200", "101"),
         ["4:68: replicas: 202 replicas in all groups; allowed: at most 200"]),
        ("intent: x\nclients: [{executor: closed, users: 10000, messages: 1001}]\n",
         ["2:54: messages: 10010000 messages in a case (users x messages); "
          "allowed: at most 10000000"]),
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
        f"{path}:6:10: timeout: 5 is a bare number; write a unit, e.g. 5ms",
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
    assert lines[-1] == "and 950 more problems"
    assert len(lines) == 51
