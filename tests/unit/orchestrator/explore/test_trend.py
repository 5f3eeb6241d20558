"""A measure over the runs of a scenario."""

from dataclasses import replace
from pathlib import Path

from orchestrator.explore.past_runs import PastRun
from orchestrator.explore.trend import (
    MOST_RUNS,
    OFFERED,
    first_known,
    offered,
    runs_of,
    scenarios_in,
    sparklines,
    summaries_of,
    why_unknown,
)
from orchestrator.measures.registry import MEASURES
from orchestrator.report.publish import summary_json
from tests.unit.orchestrator.report.report_fixtures import case, summary

MAKESPAN = MEASURES["makespan"]


def run_called(folder: str, scenario: str = "mine") -> PastRun:
    return PastRun(folder, scenario, "2026-01-31T12:00:00", is_campaign=True)


def store(results: Path, folder: str, **makespans_s: float | None) -> PastRun:
    """Store a campaign whose cases took so long."""
    (results / folder).mkdir()
    cases = [case(model, measures={"makespan_s": value}) for model, value in makespans_s.items()]
    (results / folder / "summary.json").write_text(summary_json(summary(*cases)))
    return run_called(folder)


def test_every_measure_that_is_offered_exists() -> None:
    assert [measure.name for measure in offered()] == list(OFFERED)


def test_a_scenario_that_has_run_once_has_no_trend() -> None:
    runs = [run_called("a"), run_called("b"), run_called("c", "once")]
    broken = replace(run_called("d", "once"), is_campaign=False)
    assert scenarios_in([*runs, broken]) == ["mine"]


def test_the_oldest_of_the_newest_runs_comes_first() -> None:
    runs = [run_called(str(number)) for number in range(MOST_RUNS + 1)]
    own = runs_of([run_called("x", "other"), *runs], "mine")
    assert (own[0].folder, own[-1].folder) == (str(MOST_RUNS - 1), "0")
    assert len(own) == MOST_RUNS


def test_each_case_has_its_curve_from_the_first_run_to_the_last(tmp_path: Path) -> None:
    runs = [store(tmp_path, "a", single=2.0, epoll=1.0), store(tmp_path, "b", single=1.0)]
    single, epoll = sparklines(summaries_of(runs, tmp_path), MAKESPAN)
    assert (single.case, single.values) == ("single", ["2.000 s", "1.000 s"])
    assert single.curves == ["M4 4L156 16"]
    assert single.last == (156.0, 16.0)
    assert (epoll.values, epoll.curves) == (["1.000 s", "unknown"], ["M4 4h0"])
    assert single.extremes == ("1.000 s", "2.000 s")
    assert (single.has_gap, epoll.has_gap) == (False, True)
    assert (single.ends, epoll.ends) == (("2.000 s", "1.000 s"), ("1.000 s", "1.000 s"))


def test_a_run_without_a_value_is_a_gap(tmp_path: Path) -> None:
    values = (1.0, 1.0, None, 1.0, 1.0)
    runs = [store(tmp_path, str(n), single=value) for n, value in enumerate(values)]
    (line,) = sparklines(summaries_of(runs, tmp_path), MAKESPAN)
    assert line.curves == ["M4 4L42 4", "M118 4L156 4"]


def test_values_of_0_and_none_at_all_are_drawn(tmp_path: Path) -> None:
    runs = [store(tmp_path, "a", single=0.0, epoll=None)]
    zero, unknown = sparklines(summaries_of(runs, tmp_path), MAKESPAN)
    assert zero.curves == ["M4 28h0"]
    assert (unknown.curves, unknown.last, unknown.ends) == ([], None, ("unknown", "unknown"))
    assert unknown.extremes == ("unknown", "unknown")


def test_by_default_the_first_measure_that_is_known_is_shown(tmp_path: Path) -> None:
    unknown = [store(tmp_path, "a", single=None)]
    known = [*unknown, store(tmp_path, "b", single=1.0)]
    assert first_known(summaries_of(known, tmp_path)) == MAKESPAN
    assert first_known(summaries_of(unknown, tmp_path)).name == OFFERED[0]


def test_a_percentile_is_unknown_of_too_few_messages() -> None:
    assert "p99 takes at least 100 messages" in why_unknown(MEASURES["response_time_p99"])
    assert "p50 takes at least 2 messages" in why_unknown(MEASURES["response_time_p50"])
    assert "did not measure it" in why_unknown(MAKESPAN)
