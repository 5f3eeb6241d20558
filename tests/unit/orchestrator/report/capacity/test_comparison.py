import io

from rich.console import Console

from orchestrator.capacity.comparison import capacity_differences, withheld
from orchestrator.report.capacity.comparison import (
    Rows,
    capacity_differences_annotations,
    capacity_differences_summary,
    conclusion,
    print_capacity_differences,
)
from orchestrator.report.github import ERROR, WARNING
from tests.unit.orchestrator.capacity.capacity_fixtures import capacity, case, without_figure

ROWS = capacity_differences(
    capacity(case("a"), case("b"), case("c"), case("d")),
    capacity(case("a", (106, 111.5)), case("b", (240, 250)), case("c"), without_figure("d")),
)


def printed(rows: Rows) -> str:
    """Return what is printed on a wide terminal."""
    stream = io.StringIO()
    print_capacity_differences(Console(file=stream, width=120), rows, ["note: width"])
    return stream.getvalue()


def test_a_row_for_each_case_and_the_conclusion_last() -> None:
    lines = printed(ROWS).splitlines()
    assert lines[3].split()[-1] == "worse"
    assert "-52.5% to -47.4%" in lines[3]
    assert lines[-3].startswith("d: the second has no figure: the clients could not")
    assert lines[-2:] == [
        "note: width",
        "of 4 cases: 1 worse, 1 better, 1 cannot be told apart, 1 no verdict",
    ]


def test_a_reason_that_all_share_is_there_once() -> None:
    assert printed(withheld(ROWS, "other hosts")).count("other hosts") == 1
    assert conclusion(withheld(ROWS, "other hosts")) == "of 4 cases: 4 no verdict"


def test_the_summary_for_github() -> None:
    lines = capacity_differences_summary(ROWS, ["note: width"]).splitlines()
    assert lines[0].startswith("### of 4 cases")
    assert lines[4] == (r"| a | \[212, 223\] | \[106, 112\] | \-52.5% to -47.4% | worse |")


def test_a_case_that_bears_less_is_an_error() -> None:
    found = capacity_differences_annotations(ROWS)
    assert [(each.level, each.title) for each in found] == [(ERROR, "a"), (WARNING, "compare")]
    assert found[0].message == "bears less: [106, 112] against [212, 223]"
