"""The sentences of a reproduction."""

from orchestrator.report.reproduction.text import (
    answer,
    citation,
    claim_rows,
    columns,
    legend,
    remarks,
    tone,
    verdict,
)
from orchestrator.results.summary import Status
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import (
    CELL,
    CONTRARY,
    NEW,
    OPEN,
    SOURCE,
    UNCLEAR,
    broken_off,
    claim,
    reproduction,
)


def test_the_verdict_counts_what_is_not_as_known() -> None:
    assert verdict(reproduction()) == "the claim came out as known"
    assert verdict(reproduction(claim(), claim())) == "all 2 claims came out as known"
    mixed = reproduction(claim(), CONTRARY, OPEN, NEW)
    assert verdict(mixed) == (
        "4 claims: 1 as known, 1 contradicts what is known, 1 undecided, 1 newly decided"
    )


def test_one_that_was_interrupted_says_how_far_it_came() -> None:
    early = reproduction(
        status=Status.INTERRUPTED, reason="interrupted by SIGINT", planned=["nobody", "other"]
    )
    assert verdict(early) == "interrupted after 1 of 2 files: interrupted by SIGINT"
    assert tone(early) == "doubt"


def test_a_file_that_broke_off_is_in_the_verdict_and_named_with_the_reason() -> None:
    early = broken_off()
    assert verdict(early) == "1 claim: 1 as known; 1 of 1 file did not complete"
    assert tone(early) == "doubt"
    assert list(remarks(early)) == ["nobody: broken: the engine left"]


def test_an_undecided_claim_is_explained_also_if_that_is_known() -> None:
    assert list(remarks(reproduction(UNCLEAR))) == [
        "It varies. p99(epoll) < p99(single): undecided, known is undecided (the book has both); "
        "confidence that it holds: 50.0%"
    ]


def test_the_legend_has_the_coverage_of_the_intervals() -> None:
    assert "; measured: median over the rounds, and its interval (93.8%); " in legend(
        reproduction()
    )
    few = claim(cells=[CELL.model_copy(update={"coverage": 0.5})])
    assert "its interval (50.0% or 93.8%)" in legend(reproduction(claim(), few))
    assert "its interval; " in legend(reproduction(OPEN))


def test_the_tone_is_that_of_the_exit_code() -> None:
    assert [tone(reproduction(exit_code=code)) for code in (0, 1, 4)] == ["good", "bad", "doubt"]


def test_the_answer_counts_verdicts_and_sources() -> None:
    assert answer(reproduction(claim(), CONTRARY, OPEN)) == [
        "Of 3 claims of 1 source: 1 reproduced, 1 inverted, 1 undecided."
    ]
    assert answer(reproduction(files=[])) == []


def test_a_claim_that_is_not_as_known_is_explained() -> None:
    assert list(remarks(reproduction(claim(), CONTRARY))) == [
        "A pool is cheaper. p99(epoll) < p99(single): inverted, known is reproduced (it forks "
        "less); confidence that it holds: 96.9%"
    ]


def test_a_claim_has_a_row_for_each_figure_and_one_without_figures() -> None:
    rows = [
        [column.cell(row) for column in columns()]
        for row in claim_rows(reproduction(claim(), OPEN))
    ]
    assert rows == [
        ["A loop is faster.", "A. Nobody 2001, table 1", "p99(epoll)", "25.27 ms",
         "31 ms (30 ms to 32 ms)", "reproduced", "yes"],
        ["", "", "p99(single)", "1.58 ms", "—", "", ""],
        ["It grows.", "A. Nobody 2001, table 1", "—", "", "—", "undecided", "no: reproduced"],
    ]  # fmt: skip


def test_a_claim_may_have_a_place_of_its_own() -> None:
    (row, _) = claim_rows(reproduction(claim(place="page 7")))
    assert columns()[1].cell(row) == "A. Nobody 2001, page 7"


def test_a_source_is_cited_as_a_whole() -> None:
    assert citation(SOURCE) == "A. Nobody, On servers, 2001, table 1, ISBN 0"
    assert citation(SOURCE.model_copy(update={"year": None, "place": ""})) == (
        "A. Nobody, On servers, ISBN 0"
    )
