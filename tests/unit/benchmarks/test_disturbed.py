"""The experiment counts a rule's errors by what the figures are worth, not by the level."""

import json
from pathlib import Path

import pytest

from benchmarks.disturbed.__main__ import SCENARIOS, stored
from benchmarks.disturbed.judge import Case, as_markdown, error, references, rows
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import discover_models


def case(level: str, makespan_s: float, busy: float = 0.0, delay: float = 0.0) -> Case:
    measures = {
        "makespan_s": makespan_s, "response_time_mean_s": 0.5,
        "host_busy": busy, "host_delay": delay,
    }  # fmt: skip
    return Case("quickstart", "epoll", level, measures)


QUIET = [case("0", makespan_s) for makespan_s in (1.0, 1.0, 1.2)]


def test_right_is_the_shortest_tenth_of_all_runs() -> None:
    right = references([*QUIET, *(case("30", 9.0) for _ in range(7))])
    assert right == {("quickstart", "epoll"): {"makespan_s": 1.0, "response_time_mean_s": 0.5}}
    assert error(case("30", 1.1), right) == pytest.approx(0.1)
    assert error(case("30", 0.9), right) == 0  # the mean is right, and shorter is not disturbed


def test_rows_are_by_what_other_programs_used_if_asked() -> None:
    cases = [case("0", 1.0, busy=busy) for busy in (0.8, 0.04, 0.05, 0.26, 0.49, 0.0)]
    assert [(row.level, row.cases) for row in rows(cases, by_use=True)] == [
        ("0% to 5%", 2), ("5% to 15%", 1), ("25% to 50%", 2), ("75% to 100%", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "old", "new"),
    [
        (case("30", 1.01, busy=0.5, delay=0.01), (1, 0), (0, 0)),
        (case("30", 1.2, busy=0.2, delay=0.15), (0, 1), (0, 0)),
        (case("30", 1.01, busy=0.2, delay=0.06), (0, 0), (1, 0)),
        (case("30", 1.2, busy=0.3, delay=0.01), (0, 0), (0, 1)),
        (case("30", 1.01, busy=0.9, delay=0.01), (1, 0), (1, 0)),
    ],
)
def test_alarms_and_misses_of_both_rules(
    found: Case, old: tuple[int, int], new: tuple[int, int]
) -> None:
    quiet, row = rows([*QUIET, found])
    assert (row.old_alarms, row.old_misses) == old
    assert (row.new_alarms, row.new_misses) == new
    assert (quiet.level, quiet.cases, quiet.wrong) == ("0", 3, 1)
    assert (row.level, row.cases) == ("30", 1)


def test_the_table_names_alarms_that_the_limit_of_cpu_time_gives() -> None:
    text = as_markdown(rows([*QUIET, case("4x100", 1.01, busy=0.9), case("4x100", 1.04)]))
    assert text.splitlines()[-1] == "| 4x100 | 2 | 0 | 1 | 0 | 1 (1 by `host_busy`) | 0 | 4.0% |"


def test_the_stored_runs_are_those_of_each_level(tmp_path: Path) -> None:
    measures = {"makespan_s": 1.0}
    for level in ("0", "30"):
        folder = tmp_path / "quickstart" / level / "quickstart-x"
        folder.mkdir(parents=True)
        cases = [{"model": "epoll", "runs": [{"measures": measures}] * 2}]
        (folder / "summary.json").write_text(json.dumps({"cases": cases}))
    assert list(stored(tmp_path, ["30"])) == [Case("quickstart", "epoll", "30", measures)] * 2


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_its_scenarios_are_valid(path: Path) -> None:
    assert load_scenario(path, list(discover_models())).models
