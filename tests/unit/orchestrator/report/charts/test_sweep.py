from orchestrator.analysis.chart_data import Exhibit
from orchestrator.report.charts.plot import Subject
from orchestrator.report.charts.sweep import MAX_LINES, sweeps
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


def test_too_many_lines_are_not_drawn_and_the_chart_says_so() -> None:
    subjects = [swept(f"m{n}", w, 10.0) for n in range(MAX_LINES + 2) for w in (1, 2)]
    (chart,) = sweeps(subjects)
    assert len(chart.legend) == MAX_LINES
    assert f"The first {MAX_LINES} of {MAX_LINES + 2} lines are drawn" in chart.reading
    assert len(chart.table.rows) == len(subjects)
