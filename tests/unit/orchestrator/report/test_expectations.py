from orchestrator.report.expectations import expectation_table
from orchestrator.results.summary import Comparison
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    PASSED,
    UNKNOWN,
    case,
    summary,
)

IMPLIED = PASSED.model_copy(update={"expression": "errors == 0", "is_implied": True})
IMPLIED_FAILED = FAILED.model_copy(update={"expression": "unsent == 0", "is_implied": True})


def test_those_that_do_not_hold_are_apart_and_the_failed_ones_first() -> None:
    table = expectation_table(
        summary(case("a", expectations=[UNKNOWN, PASSED]), case("b", expectations=[FAILED]))
    )
    assert [(row.case, row.tone) for row in table.open] == [("b", "bad"), ("a", "doubt")]
    assert [(row.case, row.tone) for row in table.hold] == [("a", "good")]
    assert table.title == "1 of 3 expectations holds"
    assert table.open[0].sides == "2.513 s vs 1.000 s"


def test_what_is_always_expected_is_one_row_if_it_holds() -> None:
    table = expectation_table(
        summary(
            case("a", expectations=[PASSED, IMPLIED]),
            case("b", expectations=[PASSED, IMPLIED, IMPLIED_FAILED]),
        )
    )
    assert [row.expectation for row in table.hold] == [PASSED, PASSED]
    assert [row.expectation for row in table.open] == [IMPLIED_FAILED]
    assert table.always == "2 of 3 hold"
    assert (table.count, table.title) == (5, "4 of 5 expectations hold")


def test_a_comparison_of_models_is_a_row_with_its_load_point() -> None:
    compared = [
        Comparison(axes={}, expectations=[FAILED]),
        Comparison(axes={"users": 5}, expectations=[PASSED]),
    ]
    table = expectation_table(summary(case(expectations=[]), comparisons=compared))
    assert [row.case for row in table.open] == ["models compared"]
    assert [row.case for row in table.hold] == ["models compared, users=5"]


def test_without_expectations_there_are_no_rows() -> None:
    table = expectation_table(summary(case(expectations=[])))
    assert (table.count, table.open, table.hold, table.always) == (0, [], [], "")
