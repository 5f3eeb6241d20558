import re
from dataclasses import replace

from orchestrator.analysis.chart_data import Distribution, Exhibit
from orchestrator.report.charts.latency import ecdf, percentiles
from orchestrator.report.charts.plot import BOTTOM, LEFT, RIGHT, TOP, Chart, Subject
from tests.unit.orchestrator.report.report_fixtures import MS, case, exhibit, serve

SHOWN = exhibit(serve(5))
SUBJECT = Subject("prefork", case(), SHOWN)
PLACE = re.compile(r"(?<=[MHL])([\d.]+)|(?<=V)([\d.]+)")


def curves(chart: Chart) -> dict[str, str]:
    return {s.style: s.path for s in chart.plots[0].shapes if s.style.startswith("curve")}


def test_a_curve_each_for_response_exchange_and_service() -> None:
    assert set(curves(ecdf([SUBJECT]))) == {"curve response", "curve exchange", "curve service"}


def test_predicted_times_are_drawn_with_the_measured_ones() -> None:
    predicted = Subject("p", case(), replace(SHOWN, predicted=Distribution(1, (1.0,), (MS,))))
    for chart in (ecdf([predicted]), percentiles([predicted])):
        assert "curve predicted" in curves(chart)
        assert "as predicted" in chart.legend[-1].meaning
        assert any("as predicted" in row[1] for row in chart.table.rows)


def test_an_ecdf_rises_from_none_to_all() -> None:
    path = curves(ecdf([SUBJECT]))["curve response"]
    heights = [float(y) for y in re.findall(r"V([\d.]+)", path)]
    assert path.startswith(f"M{LEFT}.0 {BOTTOM}.0")
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == TOP


def test_percentiles_end_where_the_sample_does() -> None:
    """Thirty-five messages say nothing about rarer events than one in thirty-five."""
    path = curves(percentiles([SUBJECT]))["curve response"]
    ends = [float(x) for x in re.findall(r"H([\d.]+)", path)]
    assert LEFT < ends[-1] < LEFT + (RIGHT - LEFT) / 2


def test_the_table_has_a_dash_if_the_sample_is_too_small() -> None:
    row = ecdf([SUBJECT]).table.rows[0]
    assert row[2] == "35"
    assert row[-3:] == ("—", "—", "—")


def test_a_case_without_acks_says_so() -> None:
    plot = ecdf([Subject("p", case(), Exhibit())]).plots[0]
    assert plot.caption == "no message was acknowledged"
    assert "no ack" in [word.text for word in plot.words]
