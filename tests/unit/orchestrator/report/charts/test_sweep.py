from dataclasses import replace

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.report.charts.plot import LEFT, RIGHT, Subject
from orchestrator.report.charts.sweep import MAX_LINES, sweeps
from orchestrator.results.summary import CaseSummary
from tests.unit.orchestrator.report.report_fixtures import case


def swept(
    model: str,
    workers: int | str,
    throughput: float,
    intervals: dict[str, tuple[float, float]] | None = None,
) -> Subject:
    name = f"{model},workers={workers}"
    measures = {**case().measures, "throughput_per_s": throughput}
    axes = {"workers": workers}
    found = case(model, name=name, axes=axes, measures=measures, intervals=intervals or {})
    return Subject(name, found, Exhibit())


def moved(**axes: int | str) -> Subject:
    name = ",".join(("prefork", *(f"{axis}={value}" for axis, value in axes.items())))
    return Subject(name, case(name=name, axes=axes), Exhibit())


def with_makespan(found: CaseSummary, makespan_s: float) -> CaseSummary:
    return found.model_copy(update={"measures": {**found.measures, "makespan_s": makespan_s}})


def test_a_line_for_each_model_through_its_points_in_order() -> None:
    subjects = [swept(m, w, 10.0 * w) for w in (4, 1, 2) for m in ("prefork", "threaded")]
    (chart,) = sweeps(subjects)
    throughput = chart.plots[0]
    assert [key.meaning for key in chart.legend] == ["prefork", "threaded"]
    assert [s.hover for s in throughput.shapes if s.style == "mark s0"] == [
        "prefork, workers 1: 10.0 /s",
        "prefork, workers 2: 20.0 /s",
        "prefork, workers 4: 40.0 /s",
    ]


def test_intervals_of_repeats_are_a_band() -> None:
    band = {"throughput_per_s": (8.0, 12.0)}
    (chart,) = sweeps([swept("prefork", w, 10.0, intervals=band) for w in (1, 2)])
    assert [s.style for s in chart.plots[0].shapes].count("band s0") == 1
    assert [s.style for s in chart.plots[1].shapes].count("band s0") == 0


def test_one_value_and_words_have_no_sweep() -> None:
    assert list(sweeps([swept("prefork", 1, 10.0)])) == []
    assert list(sweeps([swept("prefork", "a", 10.0), swept("prefork", "b", 10.0)])) == []


def test_figures_in_question_that_differ_come_before_the_usual_ones() -> None:
    subjects = [swept("prefork", w, 10.0 * w) for w in (1, 2)]
    (chart,) = sweeps(subjects, ["failed", "peak_in_service", "throughput", "no_such_measure"])
    titles = [plot.title for plot in chart.plots]
    assert titles == ["throughput", "response time p50", "response time p99"]
    (chart,) = sweeps(
        [replace(s, case=with_makespan(s.case, n)) for n, s in enumerate(subjects, start=1)],
        ["failed", "makespan"],
    )
    assert chart.plots[0].title == "makespan"


def test_quantities_with_a_unit_are_numbers_too() -> None:
    (chart,) = sweeps([swept("prefork", text, 10.0) for text in ("50ms", "1s")])
    ticks = [word.text for word in chart.plots[0].words]
    assert {"50ms", "1s"} <= set(ticks)
    assert list(sweeps([swept("prefork", text, 10.0) for text in ("5x", "6x")])) == []


def test_axes_that_move_together_are_one() -> None:
    subjects = [moved(workers=workers, rate=f"{28 * workers}/s", seed=1) for workers in (1, 2, 4)]
    (chart,) = sweeps(subjects)
    assert chart.title == "Over workers, with rate"
    assert [key.meaning for key in chart.legend] == ["prefork"]
    assert [s.style for s in chart.plots[0].shapes].count("mark s0") == 3


def test_an_axis_whose_values_follow_from_a_later_one_is_not_swept() -> None:
    subjects = [moved(rate=rate, workers=workers) for rate, workers in ((1, 2), (1, 4), (2, 8))]
    assert [chart.title for chart in sweeps(subjects)] == ["Over workers, with rate"]


def test_axes_that_vary_freely_have_a_chart_each() -> None:
    subjects = [moved(workers=workers, users=users) for workers in (1, 2) for users in (5, 6)]
    charts = list(sweeps(subjects))
    assert [chart.title for chart in charts] == ["Over workers", "Over users"]
    assert [key.meaning for key in charts[0].legend] == ["prefork,users=5", "prefork,users=6"]


def test_a_model_that_ignores_the_axis_is_beside_the_one_with_the_same_load() -> None:
    """The rate moves with the workers, which single ignores: its load has a place on the axis."""
    pools = [moved(workers=w, rate=f"{14 * w}/s") for w in (1, 2)]
    single = [
        Subject("single", case("single", axes={"rate": f"{14 * w}/s"}), Exhibit()) for w in (2, 1)
    ]
    (chart,) = sweeps([*pools, *single])
    assert [key.meaning for key in chart.legend] == ["prefork", "single"]
    assert chart.table is not None
    assert [row[:2] for row in chart.table.rows[2:]] == [("single", "1"), ("single", "2")]


def test_a_model_without_the_axis_is_a_level_line() -> None:
    level = Subject("epoll", case("epoll"), Exhibit())
    (chart,) = sweeps([*(swept("prefork", w, 10.0 * w) for w in (1, 2)), level])
    assert [key.meaning for key in chart.legend] == ["prefork", "epoll, any workers"]
    (line,) = [s for s in chart.plots[0].shapes if s.style == "swept s1"]
    assert line.path.startswith(f"M{LEFT}.0 ")
    assert f"L{RIGHT}.0 " in line.path
    assert chart.table.rows[-1][:2] == ("epoll, any workers", "any workers")


def test_a_sweep_whose_figures_are_all_unknown_is_not_drawn() -> None:
    cases = [case(name=f"p,workers={n}", axes={"workers": n}, measures={}) for n in (1, 2)]
    assert list(sweeps([Subject(each.name, each, Exhibit()) for each in cases])) == []


def test_too_many_lines_are_not_drawn_and_the_chart_says_so() -> None:
    subjects = [swept(f"m{n}", w, 10.0) for n in range(MAX_LINES + 2) for w in (1, 2)]
    (chart,) = sweeps(subjects)
    assert len(chart.legend) == MAX_LINES
    assert f"The first {MAX_LINES} of {MAX_LINES + 2} lines are drawn" in chart.reading
    assert len(chart.table.rows) == len(subjects)
