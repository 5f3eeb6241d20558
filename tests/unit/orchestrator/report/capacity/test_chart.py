import pytest

from orchestrator.report.capacity.chart import charts
from orchestrator.report.charts.plot import BOTTOM, LEFT, RIGHT, TOP, Chart, Plot, Shape
from orchestrator.results.capacity import LoadKind, Verdict
from tests.unit.orchestrator.capacity.capacity_fixtures import (
    asked,
    capacity,
    case,
    figures,
    load,
    trial,
    without_figure,
)


def chart(*cases: object, **changes: object) -> Chart:
    """Return the only chart of a search."""
    (found,) = charts(capacity(*cases, **changes))  # type: ignore[arg-type]  # cases
    return found


def marks(plot: Plot) -> list[Shape]:
    """Return the points of trials."""
    return [shape for shape in plot.shapes if shape.at]


def styled(plot: Plot, style: str) -> list[Shape]:
    """Return the shapes of a style."""
    return [shape for shape in plot.shapes if style in shape.style.split()]


def test_a_plot_for_each_case_with_a_point_for_each_trial() -> None:
    found = chart(case(), case("epoll", (300, 310)))
    assert [plot.title for plot in found.plots] == ["prefork,workers=4", "epoll"]
    assert found.plots[0].caption == "212/s to 223/s, limited by its workers"
    assert [len(marks(plot)) for plot in found.plots] == [12, 12]
    assert len(styled(found.plots[0], "s2")) == 6
    assert len(styled(found.plots[0], "s1")) == 6


def test_points_above_the_objective_are_above_its_line() -> None:
    (plot,) = chart(case()).plots
    (limit,) = styled(plot, "limit")
    line_y = float(limit.path.split()[1].partition("H")[0])
    for mark in marks(plot):
        assert mark.at is not None
        assert (mark.at[1] < line_y) is ("s1" in mark.style)


def test_the_vertical_axis_is_logarithmic_and_shared() -> None:
    found = chart(case(), case("epoll", (300, 310)))
    labels = [
        [word.text for word in plot.words if word.x < LEFT and word.y < BOTTOM + 10]
        for plot in found.plots
    ]
    assert labels == [["10 ms", "100 ms", "1 s"]] * 2


def test_bounds_twin_and_load_are_drawn_where_they_are() -> None:
    (plot,) = chart(asked("epoll", 200, (212, 223)), at=200.0).plots
    (band,), (twin,), (at,) = (styled(plot, style) for style in ("band", "knee", "asked"))
    assert band.hover == "bears 212/s to 223/s"
    assert twin.hover == "the twin predicts 220/s"
    assert at.hover == "200/s: holds"
    left, right = (
        float(part.split("V")[0].split(" ")[0])
        for part in (band.path[1:], band.path.partition("H")[2])
    )
    assert float(at.path[1:].split()[0]) < left < float(twin.path[1:].split()[0]) < right


def test_everything_is_inside_the_frame() -> None:
    plots = chart(case(), case("x", (None, 3.0)), case("y", (1e6, None)), without_figure()).plots
    places = [shape.at for plot in plots for shape in marks(plot) if shape.at]
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in places)


def test_a_case_without_a_figure_has_no_band_but_a_reason() -> None:
    (plot,) = chart(without_figure()).plots
    assert styled(plot, "band") == []
    assert plot.caption.startswith("no figure, since the clients")


def test_invalid_trials_are_crosses_and_say_why() -> None:
    tried = load(212.0, 0.03)
    trials = [*tried.trials, trial(0.04, 9, ["the host was busy"])]
    tried = tried.model_copy(update={"trials": trials})
    found = chart(case(loads=[tried]))
    (cross,) = styled(found.plots[0], "cross")
    assert cross.hover == "212/s, seed 9: 40.0 ms; does not count: the host was busy"
    assert "trial that does not count" in [key.meaning for key in found.legend]


def test_the_legend_has_what_is_drawn_and_no_more() -> None:
    meanings = [key.meaning for key in chart(case(predicted=None)).legend]
    assert meanings == [
        "trial at a load that holds", "trial at a load that does not hold", "objective",
        "between the bounds",
    ]  # fmt: skip


def test_the_table_has_every_load_that_was_tried() -> None:
    again = load(212.0, 0.031).model_copy(update={"is_confirmation": True})
    undecided = load(217.0, 0.05, Verdict.UNDECIDED)
    table = chart(case(loads=[load(212.0, 0.03), again, undecided])).table
    assert [row[1:5] for row in table.rows] == [
        ("212/s", "holds", "3", "30.0 ms"),
        ("212/s", "holds, confirmed", "3", "31.0 ms"),
        ("217/s", "undecided", "3", "50.0 ms"),
    ]


def test_each_objective_has_a_chart_and_zeros_a_linear_axis() -> None:
    objective = "errors == 0"
    tried = load(212.0, 0.03)
    trials = [t.model_copy(update={"objectives": [figures(0.0, objective)]}) for t in tried.trials]
    tried = tried.model_copy(update={"trials": trials, "objectives": [figures(0.0, objective)]})
    _, errors = charts(capacity(case(loads=[tried]), objectives=["p99 < 50ms", objective]))
    assert errors.title == "errors == 0, over the load"
    assert {mark.at[1] for mark in marks(errors.plots[0]) if mark.at} == {BOTTOM}


@pytest.mark.parametrize("objective", ["p99 << 50ms", "p99 < p50"])
def test_an_objective_without_a_fixed_limit_has_no_line(objective: str) -> None:
    tried = load(212.0, 0.03).model_copy(update={"objectives": [figures(0.03, objective)]})
    found = chart(case(loads=[tried]), objectives=[objective], kind=LoadKind.USERS)
    assert styled(found.plots[0], "limit") == []


def test_a_case_without_loads_is_an_empty_plot() -> None:
    found = chart(case(bounds=(None, None), loads=[], predicted=None))
    assert marks(found.plots[0]) == []
    assert charts(capacity()) == []
