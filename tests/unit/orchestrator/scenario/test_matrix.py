"""Errors in a matrix, in expectations and in faults."""

from collections.abc import Callable

import pytest

Problems = Callable[[str | bytes], list[str]]

GOOD = """\
intent: Who waits?
clients:
  - executor: closed
    users: 7
    messages: 5
"""
"""Five good lines, for a bad sixth."""

AXES = (
    "replicas, demand, start, connect_timeout, answer_timeout, users, messages, duration, "
    "think_time, behaviour, pipeline, pace, workers, backlog, work, service_time, "
    "max_message_bytes, max_service_time, idle_timeout, drain_timeout, blocking_sleep, cpus, memory"
)
GROUP_AXES = AXES.partition(", workers")[0].split(", ")
AXES_OF_TWO = ", ".join(
    [f"{name}.{key}" for name in "ab" for key in GROUP_AXES]
    + AXES.removeprefix(", ".join(GROUP_AXES) + ", ").split(", ")
)
MODELS = "single, prefork, threaded, epoll"
TEXT = "write text, in quotes if it looks like a number"
LIST = "write a list, e.g. [a, b]"
MAP = "write a map, e.g. {a: 1, b: 2}"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("matrix: [workers]", f"6:9: matrix: this is a list; {MAP}"),
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


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("expect: [failed == 0]", f"6:9: expect: this is a list; {MAP}"),
        ("expect: {all: failed == 0}", f"6:15: all: 'failed == 0' is text; {LIST}"),
        ("expect: {all: []}", "6:15: all: the list is empty; write at least one expectation"),
        ("expect: {all: [7]}", f"6:16: 7 is a number; {TEXT}"),
        ("models: [single]\nexpect: {epoll: [failed == 0]}",
         "7:10: unknown model 'epoll'; allowed: single, all"),
        ("expect: {singel: [failed == 0]}",
         f"6:10: unknown model 'singel'; did you mean 'single'? allowed: {MODELS}, all"),
        # The column is that of the word within the expression, wherever the file shows it as it is.
        ("expect: {all: [makespan < 2]}",
         "6:27: makespan is a time and 2 is a bare number; write a unit, e.g. 2s"),
        ("expect: {all: ['makespan < 2']}",
         "6:28: makespan is a time and 2 is a bare number; write a unit, e.g. 2s"),
        ("expect:\n  all:\n    - makespan < 2",
         "8:18: makespan is a time and 2 is a bare number; write a unit, e.g. 2s"),
        ("expect:\n  all:\n    - >\n      makespan < 2",
         "8:7: makespan is a time and 2 is a bare number; write a unit, e.g. 2s"),
        ('expect: {all: ["makespan \\x3C 2"]}',
         "6:16: makespan is a time and 2 is a bare number; write a unit, e.g. 2s"),
        ("expect: {all: [makespan < 2s with 5%]}",
         "6:35: a confidence is from 50% to 99.9%; write e.g. with 95%"),
        ("expect: {all: [makespan(epoll) < 2s]}",
         "6:16: this names one of several models; write it under compare"),
        ("compare: [makespan(epoll) < 2 * makespan]",
         "6:33: the model is missing; write e.g. makespan(single)"),
        ("compare: [makespan(epol) < 2s]",
         f"6:11: unknown model 'epol'; did you mean 'epoll'? allowed: {MODELS}"),
        ("compare: [late.makespan(epoll) < 2s]",
         "6:11: unknown group 'late'; allowed: clients, slowest, predicted, replayed"),
        ("validity: [host_busy < 5% with 95%]",
         "6:12: a rule is checked in each run; leave the confidence out"),
        ("validity: [host_busy(epoll) < 5%]",
         "6:12: this names one of several models; write it under compare"),
        ("faults: [{at: 1s, fault: pause}]",
         "6:26: fault: pause needs an end; write e.g. lasts: 500ms"),
        ("faults: [{at: 1s, fault: kill-worker, lasts: 1s}]",
         "6:46: lasts: the server itself replaces a killed worker; leave this out"),
        ("faults: [{at: 1s, fault: disconnect}]",
         "6:26: fault: disconnect needs an end; write e.g. lasts: 500ms"),
        ("faults: [{at: 1s, fault: kill, toxicity: 1}]",
         "6:42: toxicity: allowed with latency, bandwidth, slicer, reset_peer, timeout, "
         "slow_close, limit_data only"),
        ("faults: [{at: 1s, fault: latency, lasts: 1s, attributes: {latency: 5}}]",
         "6:58: attributes: latency: 5 is not a duration; write a number and a unit: us, ms, s, m"),
        ("faults: [{at: 1s, fault: bandwidth, lasts: 1s}]",
         "6:26: fault: rate is missing"),
        ("faults: [{at: 1s, fault: slicer, lasts: 1s, attributes: {average_size: 1, speed: 2}}]",
         "6:57: attributes: speed: no such attribute; there is: average_size, size_variation, "
         "delay"),
        ("faults: [{at: 1s, fault: kill, crowd: 9}]",
         "6:39: crowd: allowed with fill-backlog only"),
        ("faults: [{at: 1s, fault: kill, worker: 2}]",
         "6:40: worker: allowed with kill-worker only"),
        ("faults: [{at: 1s, fault: cpu-limit, lasts: 1s}]",
         "6:26: fault: the limit is missing; write e.g. cpus: 0.5"),
        ("faults: [{at: 1s, fault: pause, lasts: 1s, cpus: 1}]",
         "6:50: cpus: allowed with cpu-limit only"),
        ("faults: [{at: 2m, fault: kill}]",
         "6:15: at: it ends at 120s, but timeout ends the load at 120s"),
        ("faults: [{at: 1s, fault: kil}]",
         "6:26: fault: unknown value 'kil'; did you mean 'kill'? allowed: pause, kill-worker, "
         "terminate, kill, cpu-limit, disconnect, fill-backlog, latency, bandwidth, slicer, "
         "reset_peer, timeout, slow_close, limit_data"),
        ("faults: [{at: 1s, fault: kill-worker, worker: any}]",
         "6:47: worker: 'any'; allowed: random, or a worker from 1 to 1024"),
        ("faults: [{at: 1s}]",
         "6:10: missing key 'fault'; keys here: at, fault, lasts, worker, cpus, crowd, "
         "stream, toxicity, attributes"),
        ("expect: {all: [during.acked > 0]}",
         "6:16: unknown group 'during'; allowed: clients, slowest, predicted, replayed"),
        ("faults: [{at: 1s, fault: kill}]\nexpect: {all: [during.cpu_time > 0s]}",
         "7:16: cpu_time has no value for each group; write cpu_time"),
        ("faults: [{at: 1s, fault: kill}]\nexpect: {all: [during.connected > 0]}",
         "7:16: unknown measure of during 'connected'; allowed: throughput, acked, failed, "
         "response_time_mean, response_time_p50, response_time_p99, response_time_max"),
        ("    name: after", "6:11: name: 'after' is reserved; give each group its own name"),
        ("repeats: 0", "6:10: repeats: 0 is out of range; allowed: a whole number from 1 to 50"),
        ("order: random", "6:8: order: unknown value 'random'; allowed: interleaved, sequential"),
        ("expect: {all: ['']}",
         "6:17: the expression ends too early; a number or a name is missing"),
        ('expect: {"a\\nb": [failed == 0]}',
         f"6:10: unknown model 'a\\nb'; allowed: {MODELS}, all"),
    ],
)  # fmt: skip
def test_a_bad_expectation_says_what_is_allowed(
    problems: Problems, lines: str, problem: str
) -> None:
    assert problems(GOOD + lines + "\n") == [problem]


def test_an_unknown_name_has_its_column_a_hint_and_the_list(problems: Problems) -> None:
    (problem,) = problems(GOOD + 'expect: {all: ["failed == 0", "1 < peak_in_servise"]}\n')
    assert problem.startswith(
        "6:36: unknown name 'peak_in_servise'; did you mean 'peak_in_service'? allowed: users, "
    )
