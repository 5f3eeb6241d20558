from orchestrator.analysis.chart_data import Exhibit
from orchestrator.report.charts.groups import (
    MAX_BARS,
    cases_side_by_side,
    group_names,
    groups,
)
from orchestrator.report.charts.plot import Subject
from tests.unit.orchestrator.report.report_fixtures import case

Groups = dict[str, dict[str, float | None]]


def grouped(model: str, **p50_s: float | None) -> Subject:
    found: Groups = {name: {"response_time_p50_s": value} for name, value in p50_s.items()}
    return Subject(model, case(model, groups=found), Exhibit())


def test_windows_and_predictions_are_no_client_groups() -> None:
    views: Groups = {"before": {}, "slowest": {}, "predicted": {}, "replayed": {}}
    assert group_names([case(groups={**views, "polite": {}})]) == ["polite"]
    assert groups([Subject("p", case(groups=views), Exhibit())]) is None


def test_a_bar_for_each_group_of_each_case_in_the_color_of_its_group() -> None:
    chart = groups([grouped("single", long=1.0, short=0.9), grouped("epoll", long=1.1, short=0.1)])
    assert chart is not None
    (plot,) = chart.plots
    names = [word.text for word in plot.words if word.style == "name"]
    assert names == ["single: long", "single: short", "epoll: long", "epoll: short"]
    assert [s.style for s in plot.shapes] == ["group g0", "group g1"] * 2
    assert [key.meaning for key in chart.legend] == ["long", "short"]
    assert chart.table.rows[3] == ("epoll", "short", "100.0 ms")


def test_the_figures_in_question_are_first_and_equal_ones_are_left_out() -> None:
    subjects = [
        Subject(model, case(model, groups=own), Exhibit())
        for model, own in (
            (
                "single",
                {"a": {"first_service_wait_max_s": 2.0, "acked": 40.0}, "b": {"acked": 0.0}},
            ),
            ("epoll", {"a": {"first_service_wait_max_s": 0.1, "acked": 40.0}, "b": {"acked": 0.0}}),
        )
    ]
    chart = groups(subjects, ["a.acked", "makespan", "a.first_service_wait_max"])
    assert chart is not None
    assert [plot.title for plot in chart.plots] == ["first service wait max"]
    assert [key.meaning for key in chart.legend] == ["a"]


def test_the_groups_of_one_case_are_compared_with_each_other() -> None:
    chart = groups([grouped("single", long=1.0, short=0.9)])
    assert chart is not None
    assert len(chart.plots[0].shapes) == 2


def test_groups_without_any_known_figure_have_no_chart() -> None:
    assert groups([grouped("single", long=None, short=None)]) is None


def test_more_bars_than_can_be_read_are_left_out_with_a_word() -> None:
    chart = groups([grouped(f"m{n}", a=1.0 + n, b=2.0) for n in range(MAX_BARS)])
    assert chart is not None
    assert f"The first {MAX_BARS} of {2 * MAX_BARS} are drawn" in chart.reading
    assert len(chart.table.rows) == 2 * MAX_BARS


def test_cases_side_by_side_show_the_figures_in_question_that_differ() -> None:
    subjects = [
        Subject(model, case(model, makespan_s=wide), Exhibit())
        for model, wide in (("a", 1.0), ("b", 2.0))
    ]
    chart = cases_side_by_side(subjects, ["makespan", "failed"])
    assert chart is not None
    assert chart.table.headings == ("case", "makespan")
    assert cases_side_by_side(subjects, ["failed"]) is None
