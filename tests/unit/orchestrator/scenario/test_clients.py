"""Errors in the groups of clients: executors, names and stages."""

import pytest

from tests.unit.orchestrator.scenario.text_fixtures import EXECUTORS, GOOD, RAMP, Problems


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
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
        ("    name: after", "6:11: name: 'after' is reserved; give each group its own name"),
    ],
)  # fmt: skip
def test_a_bad_group_says_what_is_allowed(
    problems: Problems, lines: str, problem: str | list[str]
) -> None:
    expected = [problem] if isinstance(problem, str) else problem
    assert problems(GOOD + lines + "\n") == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (RAMP.format("[]"), ["4:13: stages: the list is empty; write at least one stage"]),
        (RAMP.format("[{duration: 1s}, {duration: 1s, users: 1, rate: 1/s}]"),
         ["4:14: a stage has neither; write users or rate",
          "4:30: a stage has both; write users or rate"]),
        (RAMP.format("[{duration: 1s, users: 5}, {duration: 1s, rate: 1/s}]"),
         ["4:13: stages: some stages have users and some a rate; write one or the other in all"]),
    ],
)  # fmt: skip
def test_bad_stages_say_what_is_allowed(
    problems: Problems, content: str, expected: list[str]
) -> None:
    assert problems(content) == expected
