"""Queues over time as areas; the places are worked out by hand."""

from dataclasses import replace

import pytest

from orchestrator.analysis.chart_data import Exhibit, Steps
from orchestrator.report.charts.plot import Subject
from orchestrator.report.charts.queues import (
    BASE,
    IN_SERVICE,
    LEFT,
    RIGHT,
    ROW_HEIGHT,
    TOP,
    area,
    depth_rows,
    glance,
)
from orchestrator.report.charts.time_axis import Units
from tests.unit.orchestrator.report.report_fixtures import MS, case

UP_AND_DOWN = Steps(2, (0, 50, 100), (1, 2, 0))


def subject(model: str, steps: Steps) -> Subject:
    return Subject(model, case(model), Exhibit(depths=((IN_SERVICE, steps),)))


def test_an_area_rises_and_falls_at_each_instant_and_ends_on_its_base() -> None:
    """Ten to the level, from a base of 100, one to the instant."""
    path = area(UP_AND_DOWN, float, base=100, unit_height=10)
    assert path == "M0 100H0V90.0H50V80.0H100V100.0V100z"


def test_no_steps_are_no_area() -> None:
    assert area(Steps(), float, base=100, unit_height=10) == ""


def test_a_queue_fills_its_row_at_the_peak_that_all_cases_share() -> None:
    """The peak is 4 and this queue has 2 at most, so it reaches the middle of its row."""
    (row,) = depth_rows([("accept queue", UP_AND_DOWN)], Units(100), [4], begin_y=0)
    assert row.label == "accept queue: 2 at most"
    assert f"V{row.y + ROW_HEIGHT / 2:.1f}" in row.path
    assert f"V{row.y:.1f}H" not in row.path


def test_rows_of_queues_do_not_overlap_and_an_empty_one_keeps_its_place() -> None:
    depths = [("accept queue", Steps()), (IN_SERVICE, UP_AND_DOWN)]
    empty, full = depth_rows(depths, Units(100), [0, 2], begin_y=30)
    assert empty.y > 30
    assert empty.y + empty.height < full.y
    assert (empty.path, full.path != "") == ("", True)


def test_all_plots_of_messages_in_service_share_their_axes() -> None:
    """The highest has 4 in service; one with 2 reaches the middle, at half of the time."""
    high = subject("epoll", Steps(4, (0, 100), (4, 0)))
    low = subject("single", UP_AND_DOWN)
    first, second = glance([high, low], span_ns=100).plots
    assert [word.text for word in first.words] == [word.text for word in second.words]
    paths = [[s.path for s in plot.shapes if "in-service" in s.style] for plot in (first, second)]
    assert paths[0] == [f"M{LEFT} {BASE}H{LEFT}V{TOP}.0H{RIGHT}V{BASE}.0V{BASE}z"]
    assert f"H{(LEFT + RIGHT) / 2:g}V{(TOP + BASE) / 2:.1f}" in paths[1][0]


@pytest.mark.parametrize("instant_ns", [-5, 0, 100, 250])
def test_an_instant_off_the_time_axis_is_drawn_at_its_end(instant_ns: int) -> None:
    chart = glance([subject("epoll", Steps(1, (instant_ns,), (1,)))], span_ns=100)
    (path,) = [shape.path for shape in chart.plots[0].shapes if "in-service" in shape.style]
    assert path.startswith(f"M{LEFT if instant_ns <= 0 else RIGHT} ")


def test_a_case_whose_server_logged_nothing_is_drawn_empty_and_says_so() -> None:
    chart = glance([Subject("mine", case("mine"), Exhibit())], span_ns=100)
    assert [shape.path for shape in chart.plots[0].shapes if "in-service" in shape.style] == [""]
    assert chart.table.rows[0][:2] == ("mine", "0")
    assert "none logged" in [word.text for word in chart.plots[0].words]
    assert chart.is_blank


def test_the_table_has_the_peak_and_the_end_of_each_case() -> None:
    late = replace(subject("single", UP_AND_DOWN), case=case("single", makespan_s=3.5))
    assert list(glance([late], span_ns=100 * MS).table.rows) == [("single", "2", "3.500 s")]
