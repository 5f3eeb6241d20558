from orchestrator.report.charts.figures import distinguishing, figure_of
from tests.unit.orchestrator.report.report_fixtures import case

GROUPS = {"slow": {"response_time_p99_s": 0.25}}


def test_a_figure_has_the_value_of_its_group_or_of_the_whole_case() -> None:
    whole, slow = figure_of("p99"), figure_of("slow.response_time_p99")
    assert whole is not None
    assert slow is not None
    grouped = case(groups=GROUPS, intervals={"response_time_p99_s": (0.5, 0.7)})
    assert (whole.value(grouped), whole.text(grouped)) == (0.6, "600.0 ms")
    assert (slow.value(grouped), slow.text(grouped)) == (0.25, "250.0 ms")
    assert (whole.title, slow.title) == ("response time p99", "slow response time p99")
    assert whole.interval(grouped) == (0.5, 0.7)
    assert slow.interval(grouped) is None


def test_an_unknown_value_is_a_dash_and_a_bound_says_at_least() -> None:
    slow = figure_of("slow.response_time_p99")
    assert slow is not None
    assert slow.text(case()) == "—"
    bounded = case(groups=GROUPS, lower_bounds=["slow.response_time_p99_s"])
    assert slow.text(bounded) == "≥ 250.0 ms"


def test_only_figures_that_differ_distinguish_cases() -> None:
    cases = [case(makespan_s=1.0), case(makespan_s=2.0)]
    names = ["makespan", "failed", "no_such_measure", "makespan", "slow.makespan"]
    assert [figure.title for figure in distinguishing(names, cases)] == ["makespan"]
