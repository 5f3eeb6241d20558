from orchestrator.analysis.chart_data import Exhibit
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.stages import STAGES
from orchestrator.report.charts.bars import breakdown, costs, fairness
from orchestrator.report.charts.plot import Subject
from tests.unit.orchestrator.report.report_fixtures import case, exhibit, serve

SECONDS = {MEASURES[f"time_in_{stage}"].key: 0.0 for stage in STAGES} | {
    "time_in_accept_queue_s": 0.3,
    "time_in_service_s": 0.1,
}
SUBJECT = Subject("prefork", case(), exhibit(serve(5)))


def test_the_stages_of_a_bar_add_up_to_the_response_time() -> None:
    known = case(
        measures={**case().measures, **SECONDS}, groups={"slowest": SECONDS, "predicted": SECONDS}
    )
    chart = breakdown([Subject("prefork", known, Exhibit())])
    assert chart is not None
    assert [row[:3] for row in chart.table.rows] == [
        ("prefork", "all messages", "400.0 ms"),
        ("prefork", "all messages, as predicted", "400.0 ms"),
        ("prefork", "the slowest 1%", "400.0 ms"),
    ]
    drawn = [(shape.style, shape.hover) for shape in chart.plots[0].shapes[:2]]
    assert drawn == [
        ("part accept_queue", "accept queue: 300.0 ms"),
        ("part service", "service: 100.0 ms"),
    ]


def test_the_error_of_stages_between_two_clocks_is_stated_once() -> None:
    errors = {"time_in_unread_s": 80e-6, "slowest.time_in_answer_s": 90e-6, "waiting_mean": 5.0}
    known = case(measures=SECONDS)
    inexact = known.model_copy(update={"errors": errors})
    readings = [
        chart.reading
        for each in (known, inexact)
        if (chart := breakdown([Subject("p", each, Exhibit())])) is not None
    ]
    assert [reading.count("±") for reading in readings] == [0, 1]
    assert "within ±90.0 us, the error between their clocks" in readings[1]


def test_stages_have_a_number_so_that_color_is_not_needed() -> None:
    chart = breakdown([Subject("p", case(measures=SECONDS), Exhibit())])
    assert chart is not None
    marks = [word.text for word in chart.plots[0].words if word.style == "in-bar"]
    assert [key.meaning.split(" ")[0] for key in chart.legend] == marks


def test_what_was_not_measured_has_no_chart() -> None:
    unknown = Subject("p", case(measures={}), Exhibit())
    assert breakdown([unknown]) is None
    assert costs([unknown]) is None
    assert fairness([unknown]) is None


def test_costs_show_what_was_measured() -> None:
    chart = costs([SUBJECT])
    assert chart is not None
    assert [plot.title for plot in chart.plots] == ["peak memory"]
    assert chart.table.rows == [("prefork", "61.5 MiB")]


def test_a_bar_for_each_worker_by_its_connections() -> None:
    chart = fairness([SUBJECT])
    assert chart is not None
    assert chart.table.rows == [("prefork", "1", "4", "20"), ("prefork", "2", "3", "15")]
    assert [word.text for word in chart.plots[0].words if word.style == "value"] == ["4", "3"]
