import io
import math
from dataclasses import replace

import pytest
from rich.console import Console

from orchestrator.campaign.comparison import Change, Difference
from orchestrator.campaign.conditions import Condition, Effect
from orchestrator.report.comparison import (
    cells,
    condition_lines,
    doubts,
    percent,
    print_differences,
    why_withheld,
)
from tests.unit.orchestrator.report.report_fixtures import HOSTILE

WORSE = Difference("prefork", "response_time_p99", 0.1, 0.11, 0.1, 0.08, 0.12, Change.REGRESSION)
SAME = Difference("prefork", "throughput", 100.0, 100.0, 0.0, 0.0, 0.0, Change.NONE)
UNDECIDED = Difference(HOSTILE, "cpu_time", None, 0.5, reason=f"because {HOSTILE}")


def printed(*differences: Difference, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_differences(Console(file=stream, width=80), differences, 0.05)
    stream.seek(0)
    return stream.read()


def test_a_row() -> None:
    assert cells(WORSE) == (
        "response_time_p99", "100.0 ms", "110.0 ms", "+10.0% (+8.0 to +12.0%)", "regression",
    )  # fmt: skip
    assert cells(UNDECIDED)[1:] == ("—", "500.0 ms", "—", "cannot tell")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.0%"), (-0.0001, "0.0%"), (-0.25, "-25.0%"), (math.inf, "+infinity")],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_the_last_line_counts_the_results() -> None:
    text = printed(WORSE, SAME, SAME)
    last = "1 of 3: regression; 2 of 3: no difference (threshold 5%)"
    assert text.splitlines()[-1] == last
    assert max(map(len, text.splitlines())) <= 80


def test_the_coverage_of_the_intervals_is_exact_and_printed() -> None:
    expected = "intervals cover 93.8%; false alarms in at most 5% of tables of 2 rows"
    assert expected in printed(replace(WORSE, coverage=0.9375), SAME).splitlines()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_text_from_outside_is_harmless(encoding: str) -> None:
    text = printed(WORSE, UNDECIDED, UNDECIDED, encoding=encoding)
    assert "\x1b" not in text
    assert text.count("because") == 1


KERNEL = Condition("kernel", "6.8.1", "6.11.0", Effect.HOST)


def test_each_kind_of_difference_is_a_line_and_hashes_are_short() -> None:
    image = Condition("image of epoll", f"sha256:{'a' * 64}", f"sha256:{'b' * 64}", Effect.CHANGE)
    found = [
        image,
        KERNEL,
        Condition("uncommitted changes", "yes", "yes", Effect.CHANGE),
        Condition("CPU model", None, "Xeon", Effect.NOTE),
        Condition("lab version", None, None, Effect.NOTE),
    ]
    assert condition_lines(found) == [
        f"under test: image of epoll: sha256:{'a' * 12}, then sha256:{'b' * 12}; "
        "uncommitted changes: yes in both",
        "other host: kernel: 6.8.1, then 6.11.0",
        "not recorded in the first: CPU model",
        "not recorded in either: lab version",
    ]
    assert condition_lines([]) == ["under test: no difference is recorded"]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("x" * 61, "b", "x: differs"),
        ("not set", "y" * 61, "x: only in the second"),
        ("x" * 61, "not set", "x: only in the first"),
        ("not set", "b", "x: not set, then b"),
    ],
)
def test_a_long_value_is_not_shown(before: str, after: str, text: str) -> None:
    (_, line) = condition_lines([Condition("x", before, after, Effect.NOTE)])
    assert line == f"note: {text}"


def test_a_long_list_of_differences_is_cut() -> None:
    (_, line) = condition_lines([replace(KERNEL, name=f"k{n}") for n in range(20)])
    assert line.endswith("k11: 6.8.1, then 6.11.0; and 8 more")


def test_a_comparison_that_is_not_made_says_why_once_and_how_to_make_it() -> None:
    reason = why_withheld([KERNEL, Condition("seed", "1", "2", Effect.SCENARIO)])
    assert reason == (
        "the runs have different scenarios and hosts (kernel: 6.8.1, then 6.11.0; seed: 1, then 2)"
        "; compare --different-scenarios --different-hosts gives verdicts all the same"
    )
    rows = [replace(SAME, case=name, reason=reason) for name in ("a", "b")]
    assert doubts(rows) == [reason]


def test_text_from_outside_in_a_condition_is_harmless() -> None:
    (_, line) = condition_lines([Condition(HOSTILE, HOSTILE, "w" * 500, Effect.NOTE)])
    assert "\x1b" not in line
    assert len(line) < 400
