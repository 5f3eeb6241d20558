import io
import re

import pytest
from rich.console import Console

from orchestrator.report.table import print_table
from orchestrator.results.summary import Answer, Fitness, Instrument, Summary
from tests.unit.orchestrator.report.report_fixtures import (
    FAILED,
    HOSTILE,
    LONG_WORD,
    PASSED,
    case,
    summary,
)

MODELS = ("single", "prefork", "threaded", "epoll")
AXES = {"workers": 2, "server.backlog": 128, "users": 700, "blocking": True}


def printed(campaign: Summary, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    print_table(Console(file=file, width=width), campaign)
    file.flush()
    return raw.getvalue().decode(encoding)


def tables(text: str) -> list[str]:
    """Return the lines of the tables: everything before the legend."""
    return text.partition("total time (makespan): from")[0].splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_every_figure_is_shown_and_no_row_is_wider_than_the_console(width: int) -> None:
    text = printed(summary(*map(case, MODELS)), width)
    lines = tables(text)
    assert max(map(len, lines)) <= width
    for figure in ("1.004 s", "34.9 /s", "501.2 ms", "1-2", "1/1", "100.3 ms", "502.1 ms",
                   "600.0 ms", "601.2 ms", "21.3 ms", "61.5 MiB"):  # fmt: skip
        assert sum(figure in line for line in lines) >= len(MODELS), figure


def test_a_wide_console_shows_one_row_for_each_case() -> None:
    rows = [line for line in tables(printed(summary(*map(case, MODELS)), 160)) if "MiB" in line]
    assert [row.split()[0] for row in rows] == list(MODELS)
    assert all("total" not in row and "1.004 s" in row for row in rows)


def test_80_columns_have_room_for_the_first_topic_in_one_table() -> None:
    headings, words, _, *rows = tables(printed(summary(*map(case, MODELS)), 80))
    assert headings.split()[0] == "total"
    assert words.split()[0] == "model"
    assert words.split()[-2:] == ["errors", "expected"]
    assert [row.split()[-1] for row in rows[: len(MODELS)]] == ["1/1"] * len(MODELS)


def test_the_values_of_the_matrix_are_columns() -> None:
    lines = tables(printed(summary(case(axes=AXES), case("epoll", axes={"users": 7})), 160))
    assert lines[1].split()[:5] == ["model", "workers", "server.backlog", "users", "blocking"]
    assert "128" in lines[3]
    assert "true" in lines[3]
    assert lines[4].split()[1:5] == ["—", "—", "7", "—"]


def test_what_is_unknown_is_a_dash() -> None:
    text = printed(summary(case(measures={"makespan_s": None})), 160)
    assert tables(text)[3].split() == ["prefork", *"——————", "1/1", *"————————"]


def test_the_verdict_is_the_last_line_and_the_failure_above_it_on_one_line() -> None:
    lines = printed(summary(case(expectations=[PASSED, FAILED]))).splitlines()
    assert lines[-1] == "1 of 2 expectations failed"
    assert f"prefork: {FAILED.expression}: failed: 2.513 s vs 1.000 s" in lines


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_plain_ascii_if_the_encoding_requires_it(encoding: str) -> None:
    hostile = case("modèle 日本", measures={}, invalid=["größer"], axes={"ä": LONG_WORD})
    assert printed(summary(hostile), encoding=encoding).isascii()


def test_no_colors_and_no_markup_without_a_terminal() -> None:
    text = printed(summary(case("[red]x[/red]", axes={"[b]": HOSTILE}, expectations=[FAILED])), 160)
    assert "\x1b" not in text
    assert "[red]x[/red]" in text


def test_long_names_leave_the_rows_readable() -> None:
    lines = tables(printed(summary(case(LONG_WORD, axes=AXES | {LONG_WORD: LONG_WORD}))))
    assert max(map(len, lines)) <= 80
    assert sum("1.004 s" in line for line in lines) == 1


def test_a_campaign_without_cases_has_a_verdict_only() -> None:
    text = printed(summary(status="broken", planned_cases=4, reason="no engine"))
    assert text == "broken after 0 of 4 cases: no engine\n"


def test_each_group_has_a_row_and_strained_clients_a_line() -> None:
    groups = {"slow": {"acked": 7.0, "response_time_p99_s": 0.25}, "fast": {"acked": 3.0}}
    strained = Instrument(fitness=Fitness.STRAINED, reasons=["replica 0 was late by 2.0 ms"])
    text = printed(summary(case("single", groups=groups, instrument=strained)))
    assert re.search(r"^single +slow +7 .* 250.0 ms$", text, re.MULTILINE)
    assert re.search(r"^single +fast +3 ", text, re.MULTILINE)
    assert "single: the clients were strained: replica 0 was late by 2.0 ms\n" in text
    assert text.endswith("the expectation holds\n")


def test_arrivals_have_columns_of_their_own() -> None:
    measures = {"arrival_rate_per_s": 40.0, "offered_load": 0.8, "dropped": 3.0}
    text = printed(summary(case(measures=measures)), 160)
    assert re.search(r"arrivals +offered +arrivals", text)
    assert "40.0 /s" in text
    assert "arrivals" not in printed(summary(case()), 160)


ANSWERED = Answer(sentences=["epoll is done first.", "single takes 3.52 s."], caveat="Caution: no.")


def test_question_answer_caveat_and_verdict_are_the_last_lines_in_this_order() -> None:
    text = printed(summary(case(expectations=[FAILED]), answer=ANSWERED))
    assert text.splitlines()[-5:] == [
        "",
        f"question: {summary().intent}",
        "answer: epoll is done first. single takes 3.52 s.",
        "Caution: no.",
        "1 of 1 expectation failed",
    ]


def test_a_long_answer_is_wrapped_between_words_on_a_terminal_only() -> None:
    long = Answer(sentences=["word " * 60])
    screen = io.StringIO()
    print_table(Console(file=screen, width=40, force_terminal=True), summary(case(), answer=long))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert max(len(line) for line in plain.splitlines() if "word" in line) <= 40
    assert not re.search(r"\bw$|\bwo$|\bwor$", plain, re.MULTILINE)
    assert sum("word" in line for line in printed(summary(answer=long), 40).splitlines()) == 1


def test_the_table_has_the_measures_in_question() -> None:
    text = printed(summary(case(), shown=["first_service_wait_max"]), 100)
    assert re.search(r"^prefork +1.004 s +34.9 /s +501.2 ms +\S+ +0 +1/1$", text, re.MULTILINE)
