from dataclasses import replace

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.stages import STAGES
from orchestrator.report.charts.plot import Subject
from orchestrator.report.charts.selection import Selection, charts_of
from orchestrator.report.charts.time_axis import axis_over
from orchestrator.results.summary import CaseSummary
from tests.unit.orchestrator.report.report_fixtures import MS, case, exhibit, serve

AXIS = axis_over([100 * MS])
TWO_GROUPS = {"long": {"response_time_p50_s": 1.0}, "short": {"response_time_p50_s": 0.5}}
OF_COST = {"cpu_time_s", "peak_memory_bytes"}


def subject(found: CaseSummary, shown: Exhibit | None = None) -> Subject:
    return Subject(found.name, found, shown or Exhibit())


def keys(subjects: list[Subject], pictured: list[Subject] | None = None) -> list[str]:
    found = charts_of(subjects, subjects if pictured is None else pictured, AXIS)
    return [chart.key for chart in (*found.answer, *found.rest)]


def test_without_cases_there_are_no_charts() -> None:
    assert charts_of([], [], AXIS) == Selection()


def test_a_chart_of_what_was_not_measured_is_left_out() -> None:
    """No log of a server: neither its queues and stages nor its workers and costs are known."""
    foreign = case("mine")
    measures = {key: value for key, value in foreign.measures.items() if key not in OF_COST}
    unlogged = replace(exhibit(serve(5)), depths=(), shares=())
    shown = subject(case("mine", measures=measures), unlogged)
    assert keys([shown]) == ["ecdf", "percentiles"]


def test_a_run_without_any_record_has_no_charts_of_messages() -> None:
    measures = dict.fromkeys(case().measures)
    assert keys([subject(case("mine", measures=measures))]) == []


def test_the_swept_figure_answers_if_something_is_swept() -> None:
    measures = {**case().measures}
    swept = [
        subject(
            case(
                name=f"prefork,workers={n}",
                axes={"workers": n},
                measures={**measures, "makespan_s": 4.0 / n},
                groups={"long": {"response_time_p50_s": 1.0 * n}, "short": {}},
            ),
            exhibit(serve(n)),
        )
        for n in (1, 2)
    ]
    found = charts_of(swept, swept, AXIS, ["makespan", "failed"])
    assert [chart.key for chart in found.answer] == ["sweep-workers"]
    assert found.answer[0].plots[0].title == "makespan"
    assert "groups" in [chart.key for chart in found.rest]


def test_the_groups_answer_if_nothing_is_swept() -> None:
    grouped = [subject(case(groups=TWO_GROUPS), exhibit(serve(5)))]
    assert [chart.key for chart in charts_of(grouped, grouped, AXIS).answer] == ["groups"]


def test_cases_side_by_side_answer_if_the_swept_values_are_words() -> None:
    varied = [
        subject(case(name=f"prefork,arrivals={word}", axes={"arrivals": word}, makespan_s=wide))
        for word, wide in (("constant", 1.0), ("poisson", 2.0))
    ]
    found = charts_of(varied, varied, AXIS, ["makespan"])
    assert [chart.key for chart in found.answer] == ["figures"]


def test_the_curves_answer_a_question_about_the_exchange_time() -> None:
    shown = [subject(case(), exhibit(serve(5)))]
    found = charts_of(shown, shown, AXIS, ["response_time_p99", "exchange_time_p99"])
    assert [chart.key for chart in found.answer] == ["percentiles"]
    assert "percentiles" not in [chart.key for chart in found.rest]


def test_else_the_timelines_answer() -> None:
    shown = [subject(case(model), exhibit(serve(5))) for model in ("single", "prefork")]
    assert charts_of(shown, shown, AXIS, ["makespan"]).answer == []


def test_what_was_measured_has_a_chart_after_those_of_all_cases() -> None:
    parts = {MEASURES[f"time_in_{part}"].key: 0.1 for part in STAGES}
    known = case("prefork", measures={**case().measures, **parts})
    found = keys([subject(known, exhibit(serve(5)))])
    assert found == ["glance", "ecdf", "percentiles", "parts", "costs", "fairness"]


def test_a_sweep_is_over_all_cases_and_the_other_charts_over_those_pictured() -> None:
    swept = [
        subject(
            case("prefork", name=f"prefork,workers={n}", axes={"workers": n}), exhibit(serve(5))
        )
        for n in (1, 2)
    ]
    found = charts_of(swept, swept[:1], AXIS)
    (sweep,), (glance, ecdf, *_) = found.answer, found.rest
    assert [plot.title for plot in glance.plots] == ["prefork,workers=1"]
    assert [plot.title for plot in ecdf.plots] == ["prefork,workers=1"]
    assert len(sweep.table.rows) == 2
