"""Errors in a single value, each with what is allowed."""

import pytest

from tests.unit.orchestrator.scenario.text_fixtures import (
    DEMAND,
    GOOD,
    LAW,
    LAWS,
    OPEN,
    SIZE,
    TEXT,
    UNIT,
    Problems,
)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("server: {workers: 0}",
         "6:19: workers: 0 is out of range; allowed: a whole number from 1 to 1024"),
        ("server: {workers: -5}",
         "6:19: workers: -5 is out of range; allowed: a whole number from 1 to 1024"),
        ("server: {workers: 5.0}",
         "6:19: workers: 5.0 is a number; allowed: a whole number from 1 to 1024"),
        ("server: {workers: '5'}",
         "6:19: workers: '5' is text; write 5 without quotes, and a variable as $name; "
         "allowed: a whole number from 1 to 1024"),
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
         "6:15: replicas: 1000000 is out of range; allowed: a whole number from 1 to 1000"),
        ("timeout: 100", "6:10: timeout: 100 has no unit; write 100s or 100ms"),
        ("timeout: 1.5", "6:10: timeout: 1.5 has no unit; write 1.5s or 1.5ms"),
        ("timeout: '100'", "6:10: timeout: 100 has no unit; write 100s or 100ms"),
        ("timeout: 1h", f"6:10: timeout: '1h' is not a duration; {UNIT}"),
        ("timeout: -1s", f"6:10: timeout: '-1s' is not a duration; {UNIT}"),
        ("timeout: true", "6:10: timeout: true is a truth value; write a duration, e.g. 100ms"),
        ("timeout: 0s", "6:10: timeout: '0s' is out of range; allowed: 100ms to 60m"),
        ("limits: {cpus: 0}",
         "6:16: cpus: 0 is out of range; allowed: a number from 0.05 to 256"),
        ("limits: {cpus: many}", "6:16: cpus: 'many' is text; allowed: a number from 0.05 to 256"),
        ("limits: {memory: 64}", "6:18: memory: 64 has no unit; write e.g. 64MB or 64MiB"),
        ("limits: {memory: 64Mb}", f"6:18: memory: '64Mb'; {SIZE}"),
        ("limits: {memory: 1MiB}",
         "6:18: memory: '1MiB' is out of range; allowed: 8MiB to 1024GiB"),
        ("    demand: 100ms",
         "6:13: demand: '100ms' is a duration; write sleep=100ms or cpu=100ms"),
        ("    demand: slepp=1s", f"6:13: demand: 'slepp=1s' is not a demand; {DEMAND}"),
        ("    demand: 5", f"6:13: demand: 5 is a number; {DEMAND}"),
        ("    demand: sleep=1",
         "6:13: demand: 'sleep=1': '1' has no unit; write 1ms or 1s, or " + LAWS),
        ("    demand: cpu=99m", "6:13: demand: 'cpu=99m' is out of range; allowed: 60m on average"),
        ("    demand: sleep=normal(1s)", f"6:13: demand: 'sleep=normal(1s)': 'normal(1s)' {LAW}"),
        ("    demand: sleep=hyperexponential(1s, scv=0.5)",
         "6:13: demand: 'sleep=hyperexponential(1s, scv=0.5)': scv=0.5 is out of range; "
         "allowed: 1 to 1000"),
        (f"    demand: '{', '.join(['sleep=1s'] * 300)}'",
         "6:13: demand: 2998 characters; allowed: at most 2000"),
        ("    demand: []", "6:13: demand: the list is empty; write at least one demand"),
        ("    demand: sleep=1s+cpu", f"6:13: demand: 'cpu' is not a demand; {DEMAND}"),
        ("    demand: sleep=1s+cpu=1",
         "6:13: demand: 'cpu=1': '1' has no unit; write 1ms or 1s, or " + LAWS),
        ("    demand: [sleep=1s, sleep=1s+io=1s]", f"6:24: 'io=1s' is not a demand; {DEMAND}"),
        (f"    demand: {'+'.join(['cpu=1ms'] * 9)}",
         f"6:13: demand: '{'cpu=1ms+' * 7}cpu=' has 9 parts; a message has at most 8"),
        ("    demand: sleep=40m+cpu=40m",
         "6:13: demand: 'sleep=40m+cpu=40m' is out of range; allowed: 60m on average"),
        ("    demand: [sleep=1s, 5]", f"6:24: 5 is a number; {DEMAND}"),
        ("    think_time: 5", "6:17: think_time: '5' has no unit; write 5ms or 5s, or " + LAWS),
        ("    think_time: often", f"6:17: think_time: 'often' {LAW}"),
        ("    name: 5 o'clock",
         "6:11: name: \"5 o'clock\" is not a name; write a word of at most 30 letters, digits "
         "and _ that begins with a letter"),
        ("    behaviour: rude",
         "6:16: behaviour: unknown value 'rude'; allowed: polite, no-goodbye, pipeline, "
         "slow-sender, slow-reader, silent, vanish, reset, garbage, oversize"),
        ("expect: {all: [7]}", f"6:16: 7 is a number; {TEXT}"),
        # The column is that of the word within the expression, wherever the file shows it as it is.
        ("expect: {all: [makespan < 2]}",
         "6:27: makespan is a time and 2 is a bare number; write a unit, e.g. 2s or 2ms"),
        ("expect: {all: ['makespan < 2']}",
         "6:28: makespan is a time and 2 is a bare number; write a unit, e.g. 2s or 2ms"),
        ("expect:\n  all:\n    - makespan < 2",
         "8:18: makespan is a time and 2 is a bare number; write a unit, e.g. 2s or 2ms"),
        ("expect:\n  all:\n    - >\n      makespan < 2",
         "8:7: makespan is a time and 2 is a bare number; write a unit, e.g. 2s or 2ms"),
        ('expect: {all: ["makespan \\x3C 2"]}',
         "6:16: makespan is a time and 2 is a bare number; write a unit, e.g. 2s or 2ms"),
        ("expect: {all: [makespan < 2s with 5%]}",
         "6:35: a confidence is from 50% to 99.9%; write e.g. with 95%"),
        ("repeats: 0", "6:10: repeats: 0 is out of range; allowed: a whole number from 1 to 50"),
        ("order: random", "6:8: order: unknown value 'random'; allowed: interleaved, sequential"),
        ("expect: {all: ['']}",
         "6:17: the expression ends too early; a number or a name is missing"),
    ],
)  # fmt: skip
def test_a_bad_value_says_what_is_allowed(problems: Problems, lines: str, problem: str) -> None:
    assert problems(GOOD + lines + "\n") == [problem]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (OPEN.format("200", "each"),
         ["4:11: rate: 200 has no unit; write 200/s, per second, or 200/m, per minute"]),
        (OPEN.format("200/h", "each"), ["4:11: rate: '200/h'; write a rate, e.g. 200/s or 30/m"]),
        (OPEN.format("0/s", "each"),
         ["4:11: rate: '0/s' is out of range; allowed: 0.001/s to 1000000/s"]),
        (OPEN.format("5/s", "all"),
         ["6:18: connections: 'all'; allowed: each (one for each arrival), or a pool of "
          "1 to 10000"]),
    ],
)  # fmt: skip
def test_a_bad_rate_or_pool_says_what_is_allowed(
    problems: Problems, content: str, expected: list[str]
) -> None:
    assert problems(content) == expected


def test_an_unknown_name_has_its_column_a_hint_and_the_list(problems: Problems) -> None:
    (problem,) = problems(GOOD + 'expect: {all: ["failed == 0", "1 < peak_in_servise"]}\n')
    assert problem.startswith(
        "6:36: unknown name 'peak_in_servise'; did you mean 'peak_in_service'? allowed: users, "
    )
