import pytest

from orchestrator.measures.registry import MEASURES
from orchestrator.report.charts.figures import figure_of
from orchestrator.report.columns import (
    COST,
    GROUP,
    LEGEND_CLOCKS,
    LEGEND_PYTHON,
    OPEN,
    PYTHON,
    UNKNOWN,
    WAITING,
    all_columns,
    axis_names,
    axis_text,
    bands,
    column_of,
    legend,
    measure_text,
    split_by_group,
    split_by_view,
    spread_text,
)
from orchestrator.results.summary import CaseSummary, Interpreter
from tests.unit.orchestrator.report.report_fixtures import FAILED, PASSED, case
from tests.unit.orchestrator.report.report_fixtures import UNKNOWN as UNDECIDED


def with_interval(low_s: float, high_s: float, value_s: float | None = 2.0) -> CaseSummary:
    measured = case(intervals={"makespan_s": (low_s, high_s)})
    return measured.model_copy(update={"measures": {"makespan_s": value_s}})


@pytest.mark.parametrize(
    ("low_s", "high_s", "expected"),
    [
        (1.9, 2.02, " ±5%"),  # 0.1 below and 0.02 above 2: the farther side is 5%
        (1.98, 2.2, " ±10%"),
        (2.0, 2.0, " ±0%"),
    ],
)
def test_a_spread_is_to_the_farther_end_of_the_interval(
    low_s: float, high_s: float, expected: str
) -> None:
    assert spread_text(with_interval(low_s, high_s), "makespan") == expected


@pytest.mark.parametrize("value_s", [None, 0.0])
def test_an_unknown_median_and_one_of_0_have_no_spread(value_s: float | None) -> None:
    assert spread_text(with_interval(0.0, 0.1, value_s), "makespan") == ""


def test_a_case_that_ran_once_has_no_spread() -> None:
    assert spread_text(case(), "makespan") == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [("makespan", "1.004 s"), ("errors", "0"), ("peak_memory", "61.5 MiB"),
     ("waiting_time_mean", UNKNOWN)],
)  # fmt: skip
def test_a_measure_is_shown_with_its_unit(name: str, expected: str) -> None:
    assert measure_text(case(), name) == expected


def cells(case_: CaseSummary) -> list[str]:
    return [column.cell(case_) for column in WAITING]


@pytest.mark.parametrize(
    ("fewest", "most", "expected"),
    [(1.0, 2.0, "1-2"), (7.0, 7.0, "7"), (0.0, 7.0, "0-7"), (None, None, UNKNOWN)],
)
def test_connections_per_worker_are_a_range_unless_all_have_the_same(
    fewest: float | None, most: float | None, expected: str
) -> None:
    measures = {"connections_per_worker_min": fewest, "connections_per_worker_max": most}
    assert expected in cells(case(measures={**case().measures, **measures}))


def test_expectations_that_hold_are_counted_and_unknown_ones_do_not_hold() -> None:
    assert cells(case(expectations=[PASSED, FAILED, UNDECIDED]))[-1] == "1/3"
    assert cells(case(expectations=[]))[-1] == UNKNOWN


@pytest.mark.parametrize(
    ("value", "expected"), [(True, "true"), (False, "false"), (0, "0"), (1.5, "1.5"), ("a", "a")]
)
def test_a_value_of_an_axis_is_shown_as_in_the_scenario(
    value: str | float | bool, expected: str
) -> None:
    assert axis_text("x", case(axes={"x": value})) == expected


def test_a_case_without_a_value_on_an_axis_has_a_dash() -> None:
    assert axis_text("other", case(axes={"x": 1})) == UNKNOWN


def test_axes_are_in_the_order_in_which_they_first_appear() -> None:
    cases = [case(axes={"b": 1, "a": 2}), case(axes={"c": 3, "a": 4})]
    assert axis_names(cases) == ["b", "a", "c"]


def test_only_open_loads_have_columns_of_arrivals_and_their_legend() -> None:
    closed, is_open = case(), case(measures={**case().measures, "arrival_rate_per_s": 40.0})
    assert bands([closed]) == [WAITING, COST]
    assert bands([closed, is_open]) == [WAITING, COST, OPEN]
    assert set(legend([closed])) < set(legend([closed, is_open]))


def test_only_repeated_cases_have_a_legend_of_their_spread() -> None:
    added = set(legend([with_interval(1.9, 2.1)])) - set(legend([case()]))
    assert len(added) == 1
    assert "±" in added.pop()


def test_the_legend_says_what_the_intervals_cover_and_of_what() -> None:
    known = with_interval(1.9, 2.1).model_copy(
        update={"coverage": 0.984375, "condition": "of one sequence of draws"}
    )
    assert "interval (98.4%, of one sequence of draws)" in legend([known])[-1]
    assert "interval (about 95%)" in legend([with_interval(1.9, 2.1)])[-1]  # an older version


def test_each_group_is_a_row_and_the_prediction_is_no_group() -> None:
    """The slowest requests have stages only, and the replay is the twin's own check."""
    names = ("fast", "slow", "slowest", "replayed", "predicted", "during")
    groups = {name: {"acked": 7.0} for name in names}
    rows = split_by_group([case(axes={"users": 7}, groups=groups), case("epoll")])
    assert [row.axes for row in rows] == [
        {"users": 7, "group": "fast"},
        {"users": 7, "group": "slow"},
    ]
    views = split_by_view([case(axes={"users": 7}, groups=groups)])
    assert [row.axes["view"] for row in views] == ["predicted", "during"]
    assert {GROUP[0].cell(row) for row in rows} == {"7"}


def test_a_lower_bound_is_shown_as_one_beside_how_many_were_acked() -> None:
    measured = case().model_copy(
        update={
            "measures": {"response_time_p99_s": 1.0, "acked": 530.0, "sent": 600.0},
            "lower_bounds": ["response_time_p99_s"],
        }
    )
    assert measure_text(measured, "response_time_p99") == "≥ 1.000 s"
    for columns in (COST, GROUP):
        assert "530/600" in [column.cell(measured) for column in columns]


def test_a_group_has_its_own_lower_bounds() -> None:
    measured = case().model_copy(
        update={
            "groups": {name: {"response_time_p99_s": 1.0} for name in ("slow", "fast")},
            "lower_bounds": ["response_time_p99_s", "slow.response_time_p99_s"],
        }
    )
    shown = [measure_text(each, "response_time_p99") for each in split_by_group([measured])]
    assert shown == ["≥ 1.000 s", "1.000 s"]


def test_a_measure_with_the_error_of_two_clocks_is_shown_with_it_and_explained() -> None:
    measured = case().model_copy(
        update={
            "measures": {"waiting_time_mean_s": 0.0123, "makespan_s": 1.0},
            "groups": {name: {"waiting_time_mean_s": 0.0123} for name in ("slow", "fast")},
            "errors": {"waiting_time_mean_s": 80e-6, "slow.waiting_time_mean_s": 90e-6},
        }
    )
    assert measure_text(measured, "waiting_time_mean") == "12.3 ms ±80.0 us"
    assert measure_text(measured, "makespan") == "1.000 s"
    shown = [measure_text(each, "waiting_time_mean") for each in split_by_group([measured])]
    assert shown == ["12.3 ms ±90.0 us", "12.3 ms"]
    figure = figure_of("slow.waiting_time_mean")
    assert figure is not None
    assert figure.text(measured) == "12.3 ms ±90.0 us"
    assert LEGEND_CLOCKS in legend([measured])
    assert LEGEND_CLOCKS not in legend([case()])


def headings(*shown: str) -> list[str]:
    (columns,) = bands([case()], shown)
    return [column.heading.replace("\n", " ") for column in columns]


def test_the_measures_in_question_stand_between_those_that_always_are() -> None:
    assert headings("start_spread", "first_service_wait_max") == [
        "total time", "messages per s", "start spread", "longest first wait", "acked of sent",
        "errors", "as expected",
    ]  # fmt: skip


def test_no_column_is_there_twice() -> None:
    assert headings("makespan", "errors", "acked") == headings("throughput")


def test_a_page_has_those_in_question_first_and_each_column_once() -> None:
    found = [column.heading.replace("\n", " ") for column in all_columns([case()], ["p99_5"])]
    assert found[2] == "p99 5"
    assert found[-1] == "peak memory"
    assert len(set(found)) == len(found) == 1 + len(WAITING) + len(COST)


def test_a_column_of_a_group_names_it_and_has_its_value() -> None:
    groups: dict[str, dict[str, float | None]] = {"slow": {"response_time_p99_s": 0.25}}
    measured = case(groups=groups, lower_bounds=["slow.response_time_p99_s"])
    column = bands([measured], ["slow.response_time_p99"])[0][2]
    assert column.heading == "slow: response\ntime p99"
    assert column.cell(measured) == "≥ 250.0 ms"


def test_the_only_group_of_a_case_has_the_values_of_the_case() -> None:
    assert measure_text(case(), "steady.makespan") == "1.004 s"


def test_the_legend_explains_the_columns_that_are_there_and_no_others() -> None:
    found = " ".join(legend([case()], ["first_service_wait_max"]))
    assert "first wait: until" in found
    assert "total time (makespan)" in found
    assert "CPU" not in found
    assert "≥" not in found


def test_a_column_of_any_percentile_has_its_value() -> None:
    measured = case(measures={"response_time_p99_5_s": 0.5})
    column = bands([measured], ["response_time_p99_5"])[0][2]
    assert column.cell(measured) == "500.0 ms"


def test_no_two_columns_have_the_same_name() -> None:
    measured = [each.name for each in MEASURES.values() if each.kind == "measured"]
    words = {column_of(name).heading.replace("\n", " ") for name in measured}
    assert len(words) == len(measured)
    for band in (WAITING, COST, OPEN, GROUP, (*WAITING, *COST, *OPEN)):
        assert len({column.heading.replace("\n", " ") for column in band}) == len(band)
    assert column_of("waiting_mean").heading == "mean number\nwaiting"
    assert column_of("waiting_time_mean").heading == "mean time\nwaiting"


def on(version: str, *, lock: bool) -> CaseSummary:
    return case(interpreter=Interpreter(version=version, lock=lock))


def test_the_python_of_the_server_is_shown_if_cases_differ_in_it() -> None:
    cases = [on("3.13.5", lock=True), on("3.13.5", lock=False), case()]
    assert [PYTHON.cell(each) for each in cases] == ["3.13.5, lock on", "3.13.5, lock off", UNKNOWN]
    for shown in ((), ("makespan",)):
        assert bands(cases, shown)[0][0] is PYTHON
        assert LEGEND_PYTHON in legend(cases, shown)
        assert PYTHON not in bands(cases[:1], shown)[0]
        assert LEGEND_PYTHON not in legend(cases[:1], shown)


def test_all_columns_have_it_if_a_server_reports_it() -> None:
    assert PYTHON in all_columns([on("3.13.5", lock=True)])
    assert PYTHON not in all_columns([case()])
