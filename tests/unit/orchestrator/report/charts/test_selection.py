from orchestrator.analysis.chart_data import Exhibit
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.stages import STAGES
from orchestrator.report.charts.plot import Subject
from orchestrator.report.charts.selection import Selection, charts_of
from orchestrator.report.charts.time_axis import axis_over
from orchestrator.results.summary import CaseSummary
from tests.unit.orchestrator.report.report_fixtures import MS, case, exhibit, serve

AXIS = axis_over([100 * MS])
OF_COST = {"cpu_time_s", "peak_memory_bytes"}


def subject(found: CaseSummary, shown: Exhibit | None = None) -> Subject:
    return Subject(found.name, found, shown or Exhibit())


def keys(subjects: list[Subject], pictured: list[Subject] | None = None) -> list[str]:
    found = charts_of(subjects, subjects if pictured is None else pictured, AXIS)
    return [chart.key for chart in (*found.before, *found.after)]


def test_without_cases_there_are_no_charts() -> None:
    assert charts_of([], [], AXIS) == Selection()


def test_a_chart_of_what_was_not_measured_is_left_out() -> None:
    """No log of a server: neither its parts nor its workers and costs are known."""
    foreign = case("mine")
    measures = {key: value for key, value in foreign.measures.items() if key not in OF_COST}
    assert keys([subject(case("mine", measures=measures))]) == ["glance", "ecdf", "percentiles"]


def test_what_was_measured_has_a_chart_after_those_of_all_cases() -> None:
    parts = {MEASURES[f"time_in_{part}"].key: 0.1 for part in STAGES}
    known = case("prefork", measures={**case().measures, **parts})
    found = keys([subject(known, exhibit(serve(5)))])
    assert found == ["glance", "ecdf", "percentiles", "parts", "costs", "fairness"]


def test_a_sweep_is_over_all_cases_and_the_other_charts_over_those_pictured() -> None:
    swept = [
        subject(case("prefork", name=f"prefork,workers={n}", axes={"workers": n})) for n in (1, 2)
    ]
    found = charts_of(swept, swept[:1], AXIS)
    glance, (sweep, ecdf, *_) = found.before[0], found.after
    assert [plot.title for plot in glance.plots] == ["prefork,workers=1"]
    assert [plot.title for plot in ecdf.plots] == ["prefork,workers=1"]
    assert len(sweep.table.rows) == 2
