"""Errors in a case: each value by itself is allowed, but not together with the others."""

from collections.abc import Callable

import pytest

from orchestrator.scenario.scenario import Scenario
from tests.unit.orchestrator.scenario.text_fixtures import GOOD, GROUPS, OPEN, RAMP, Problems


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("    replicas: 8",
         "6:15: replicas: 8 replicas for 7 users; each replica needs at least one user"),
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
        ("    demand: sleep=61s",
         "6:13: demand: 'sleep=61s' is more than the 60s that a server allows; "
         "see max_service_time"),
        ("    demand: sleep=40s+cpu=21s",
         "6:13: demand: 'sleep=40s+cpu=21s' is more than the 60s that a server allows; "
         "see max_service_time"),
        ("    demand: sleep=100ms\nserver: {max_message_bytes: 19}",
         "6:13: demand: a message with this demand has at least 20 bytes; allowed: at most 19, "
         "see max_message_bytes"),
        ("    demand: cpu=1ms+sleep=exponential(5ms)\nserver: {max_message_bytes: 25}",
         "6:13: demand: a message with this demand has at least 26 bytes; allowed: at most 25, "
         "see max_message_bytes"),
        ("server: {service_time: 2s, max_service_time: 1s}",
         "6:24: service_time: 2s is more than max_service_time, 1s"),
        ("server: {max_service_time: 1s}",
         "6:9: service_time: 2s is more than max_service_time, 1s"),
    ],
)  # fmt: skip
def test_a_broken_rule_has_its_place(problems: Problems, lines: str, problem: str) -> None:
    assert problems(GOOD + lines + "\n") == [problem]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("intent: x\nclients: [{executor: closed, users: 5}]\n",
         ["2:37: users: the load has no end; write messages, duration or both"]),
        (RAMP.format("[{duration: 1s, rate: 5/s}]"),
         ["4:13: stages: a rate needs connections: each, or the size of a pool"]),
        (OPEN.format("1000000/s", "each"),
         ["4:11: rate: 2000000 arrivals in a case (rate x duration); allowed: at most 1000000"]),
        (OPEN.format("5/s", "2"),
         ["7:15: replicas: 3 replicas for 2 connections; each replica needs at least one "
          "connection"]),
        (GROUPS.format("6000", "1"),
         ["4:40: users: 12000 users in all groups; allowed: at most 10000"]),
        (GROUPS.format("600", "501"),
         ["4:68: replicas: 1002 replicas in all groups; allowed: at most 1000"]),
        ("intent: x\nclients: [{executor: closed, users: 10000, messages: 1001}]\n",
         ["2:54: messages: 10010000 messages in a case (users x messages); "
          "allowed: at most 10000000"]),
    ],
)  # fmt: skip
def test_a_load_that_breaks_a_rule_has_its_place(
    problems: Problems, content: str, expected: list[str]
) -> None:
    assert problems(content) == expected


@pytest.mark.parametrize(
    "lines",
    [
        "    demand: sleep=100ms\nserver: {max_message_bytes: 20}",
        "    demand: sleep=100ms\n    behaviour: oversize\nserver: {max_message_bytes: 19}",
    ],
)
def test_a_message_that_is_as_long_as_the_limit_or_longer_on_purpose_is_allowed(
    load: Callable[[str], Scenario], lines: str
) -> None:
    assert load(GOOD + lines + "\n").clients
