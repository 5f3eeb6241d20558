"""Throughput and response times over time; the places are worked out by hand."""

import re

import pytest

from orchestrator.report.charts.over_time import LEAST_MESSAGES, over_time
from orchestrator.report.charts.plot import BOTTOM, LEFT, RIGHT, TOP, Chart, Plot, Subject
from orchestrator.results.summary import FaultSummary, OverTime
from tests.unit.orchestrator.report.report_fixtures import case, exhibit, run_over_time, serve

PAUSE = FaultSummary(
    fault="pause", worker=None, asked_s=1.0, effect_s=1.0, reverted_s=2.0, error=""
)
KILL = PAUSE.model_copy(update={"fault": "kill", "effect_s": 3.0, "reverted_s": None})
STEPS = OverTime(
    step_s=1.0,
    end_s=4.0,
    warmup_s=0.0,
    begin_s=[0.0, 1.0, 2.0, 3.0],
    offered_per_s=[100.0] * 4,
    throughput_per_s=[100.0, 0.0, 200.0, 50.0],
    failed_per_s=[0.0, 0.0, 0.0, 50.0],
    errors_per_s=[0.0] * 4,
    in_flight=[0.1, 50.0, 50.0, 0.1],
    response_time_p50_s=[0.1, 0.5, 0.1, 0.1],
    response_time_p99_s=[0.2, 1.0, None, 0.2],
    response_time_max_s=[0.2, 1.0, 0.3, 0.3],
    lower_bounds={"response_time_p99_s": [3], "response_time_max_s": [3]},
)


def subject(name: str = "epoll", steps: OverTime | None = STEPS, **changes: object) -> Subject:
    runs = [run_over_time(steps, **changes)]
    return Subject(name, case(name, runs=runs), exhibit(serve(5)))


def chart(*subjects: Subject) -> Chart:
    found = over_time(subjects)
    assert found is not None
    return found


def path(plot: Plot, style: str) -> str:
    return "".join(shape.path for shape in plot.shapes if shape.style == style)


def across(share: float) -> float:
    return LEFT + share * (RIGHT - LEFT)


def test_a_plot_of_rates_and_one_of_response_times_for_each_case() -> None:
    found = chart(subject("epoll"), subject("prefork"))
    assert [plot.title for plot in found.plots] == [
        "epoll: messages per s",
        "epoll: response time",
        "prefork: messages per s",
        "prefork: response time",
    ]


def test_of_a_run_on_several_clocks_the_error_of_an_instant_is_stated() -> None:
    assert "clock" not in chart(subject()).reading
    runs = [run_over_time(STEPS).model_copy(update={"clock_error_s": 51e-6})]
    found = chart(subject(), Subject("far", case("far", runs=runs), exhibit(serve(5))))
    remark = "Several clocks: an instant of a client is within ±51.0 us on the server's clock."
    assert found.reading.endswith(remark)


def test_a_rate_is_level_over_its_step() -> None:
    """The axis goes to 200 per s, and a step is a quarter of the width."""
    rates, _ = chart(subject()).plots
    middle = (TOP + BOTTOM) / 2
    assert path(rates, "curve throughput") == (
        f"M{LEFT:.1f} {middle:.1f}H{across(0.25):.1f}"
        f"V{BOTTOM:.1f}H{across(0.5):.1f}"
        f"V{TOP:.1f}H{across(0.75):.1f}"
        f"V{(middle + BOTTOM) / 2:.1f}H{RIGHT:.1f}"
    )


def test_a_step_without_value_is_a_gap() -> None:
    """The third step has no p99, and that of the fourth is a lower bound."""
    _, times = chart(subject()).plots
    assert path(times, "curve p99").count("M") == 1
    assert path(times, "curve p99").endswith(f"H{across(0.5):.1f}")
    assert path(times, "curve p50").endswith(f"H{RIGHT:.1f}")


def test_from_a_lower_bound_to_the_top_the_true_value_may_be_anywhere() -> None:
    """That of p99 in the last step is 0.2 s, a fifth of the axis, which goes to 1 s."""
    _, times = chart(subject()).plots
    low = BOTTOM - (BOTTOM - TOP) / 5
    assert path(times, "bound").startswith(f"M{across(0.75):.1f} {TOP:.1f}H{RIGHT:.1f}V{low:.1f}")
    assert "response_time_p99_s" in STEPS.lower_bounds
    assert chart(subject()).table.rows[3][-3:] == ("100.0 ms", "≥ 200.0 ms", "≥ 300.0 ms")


def test_failures_have_a_curve_only_if_there_are_any() -> None:
    healthy = STEPS.model_copy(update={"failed_per_s": [0.0] * 4, "lower_bounds": {}})
    assert "curve failing" in {key.style for key in chart(subject()).legend}
    styles = {key.style for key in chart(subject(steps=healthy)).legend}
    assert styles == {
        "curve offered", "curve throughput", "curve p50", "curve p99", "curve slowest"
    }  # fmt: skip


def test_warm_up_and_faults_are_marked_in_both_plots_and_numbered_as_below_the_lanes() -> None:
    warm = STEPS.model_copy(update={"warmup_s": 1.0})
    found = chart(subject(steps=warm, faults=[PAUSE, KILL]))
    for plot in found.plots:
        assert path(plot, "warmup").startswith(f"M{LEFT:.1f} {TOP:.1f}H{across(0.25):.1f}")
        pause, kill = (shape for shape in plot.shapes if shape.style == "fault")
        assert (pause.hover, kill.hover) == ("pause", "kill")
        assert pause.path.startswith(f"M{across(0.25):.1f} {TOP:.1f}H{across(0.5):.1f}")
        assert [word.text for word in plot.words if word.style == "flag"] == ["1", "2"]
    assert {"warmup", "fault"} <= {key.style for key in found.legend}


def test_all_cases_have_the_scales_of_the_page() -> None:
    """One alone would have a lower axis."""
    slow = STEPS.model_copy(update={"end_s": 40.0, "response_time_max_s": [30.0] * 4})
    one, other = subject("epoll"), subject("single", slow)
    both, alone = over_time([one], [one, other]), over_time([one])
    assert both is not None
    assert alone is not None
    assert [plot.title for plot in both.plots] == [plot.title for plot in alone.plots]
    assert [w.text for w in both.plots[1].words] == [
        w.text for w in chart(one, other).plots[1].words
    ]
    assert both.plots[1].words != alone.plots[1].words


@pytest.mark.parametrize("per_s", [0.0, LEAST_MESSAGES - 0.1])
def test_too_few_messages_have_no_chart(per_s: float) -> None:
    assert (
        over_time([subject(steps=STEPS.model_copy(update={"offered_per_s": [per_s] * 4}))]) is None
    )


def test_results_of_an_older_version_have_no_chart() -> None:
    assert over_time([subject(steps=None)]) is None
    assert over_time([Subject("epoll", case("epoll"), exhibit(serve(5)))]) is None


def test_a_table_of_many_steps_has_some_of_them_and_says_so() -> None:
    lists = {key: each * 25 for key, each in STEPS.model_dump().items() if isinstance(each, list)}
    lists["begin_s"] = [*map(float, range(100))]
    rows = chart(subject(steps=STEPS.model_copy(update={**lists, "end_s": 100.0}))).table.rows
    assert [row[1] for row in rows[:3]] == ["0 s", "4.000 s", "8.000 s"]
    assert len(rows) == 26
    assert rows[-1] == ("epoll", "one step in 4; summary.json has all")


def test_no_label_is_beyond_the_plot() -> None:
    for end_s in (0.02, 0.9, 4.0, 61.0, 3599.0):
        begin_s = [end_s / 4 * number for number in range(4)]
        steps = STEPS.model_copy(
            update={"end_s": end_s, "begin_s": begin_s, "offered_per_s": [1e4] * 4}
        )
        rates, _ = chart(subject(steps=steps)).plots
        labels = [w for w in rates.words if re.fullmatch(r"[\d.]+ [mu]?s", w.text)]
        assert 2 <= len(labels) <= 6
        assert all(LEFT <= label.x <= RIGHT + 12 for label in labels)
