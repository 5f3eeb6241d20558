import math

import pytest

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, Dimension
from orchestrator.measures.evaluate import Evaluation
from orchestrator.measures.expression import parse_expression
from orchestrator.measures.syntax import ExpressionError

VALUES: dict[str, float | None] = {
    "users": 7,
    "workers": 5,
    "messages": 5,
    "service_time": 0.1,
    "think_time": 0.0,
    "makespan": 1.05,
    "throughput": 33.3,
    "response_time_p99": 0.2,
    "peak_memory": 20e6,
    "failed": 0,
    "acked": 35,
    "utilization": 0.87,
    "worker_deaths": None,
}


def evaluated(text: str) -> Evaluation:
    return parse_expression(text).evaluate(VALUES)


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("failed == 0", True),
        ("failed != 0", False),
        ("users < 7", False),
        ("users <= 7", True),
        ("users > 6", True),
        ("users >= 8", False),
        ("makespan ~= ceil(users / workers) * messages * service_time within 10%", True),
        ("makespan ~= ceil(users / workers) * messages * service_time within 4%", False),
        ("makespan ~= 1s within 50ms", True),  # the bound itself is within
        ("makespan ~= 1s within 49ms", False),
        ("makespan ~= -1s within 10%", False),
        ("-makespan ~= -1s within 10%", True),  # a share of the magnitude
        ("acked ~= 36 within 1", True),
        ("think_time ~= 0 within 1ms", True),
        ("p99 <= 200ms", True),  # an alias, and a bound that holds exactly
        ("response_time_p99 < 0.2s", False),
        ("throughput > 30 / 1s", True),
        ("throughput * makespan ~= acked within 1%", True),
        ("peak_memory < 20MiB", True),
        ("peak_memory >= 20MB", True),
        ("utilization <= 90%", True),
        ("utilisation > 0.8", True),
        ("makespan > 0", True),  # a literal 0 fits any unit
        ("0 < makespan", True),
        ("max(makespan - 2s, 0) == 0", True),
        ("max(0, makespan) == makespan", True),
        ("min(users, workers, 3) == 3", True),
        ("max(users, workers) == 7", True),
        ("abs(workers - users) == 2", True),
        ("floor(users / workers) == 1", True),
        ("users - workers - 1 == 1", True),  # from left to right
        ("users - (workers - 1) == 3", True),
        ("2 + 3 * 4 == 14", True),
        ("8 / 4 / 2 == 1", True),
        ("--users == +7", True),
        ("3 * service_time == 300ms", True),  # 0.30000000000000004
        ("ceil(3 * service_time / 100ms) == 3", True),
        ("3 * service_time <= 300ms", True),
        ("3 * service_time > 300ms", False),
        ("1m == 60s", True),
        ("  users==7  ", True),
    ],
)
def test_an_expectation_holds_or_fails(text: str, *, passed: bool) -> None:
    assert evaluated(text).passed is passed


def test_an_outcome_has_both_sides_in_base_units() -> None:
    assert evaluated("makespan ~= ceil(users / workers) * messages * service_time within 10%") == (
        Evaluation(True, 1.05, 1.0, TIME, margin=0.1)
    )


@pytest.mark.parametrize(
    ("text", "left", "right", "missing", "reason"),
    [
        ("worker_deaths == 0", None, 0, ("worker_deaths",), "worker_deaths is unknown"),
        ("sent == acked", None, 35, ("sent",), "sent is unknown"),
        ("sent == sent", None, None, ("sent",), "sent is unknown"),
        ("p50 < p90", None, None, ("response_time_p50", "response_time_p90"),
         "response_time_p50 is unknown; response_time_p90 is unknown"),
        ("users / failed == 1", None, 1, (), "division by zero"),
        ("users * 9" + "9" * 307 + " == 1", None, 1, (), "the result is not a finite number"),
    ],
)  # fmt: skip
def test_what_is_not_known_has_not_passed(
    text: str, left: float | None, right: float | None, missing: tuple[str, ...], reason: str
) -> None:
    dimension = parse_expression(text).dimension
    assert evaluated(text) == Evaluation(None, left, right, dimension, None, reason, missing)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measure_that_is_no_number_is_unknown(value: float) -> None:
    assert parse_expression("failed == 0").evaluate({"failed": value}).passed is None


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("users == 7", COUNT),
        ("makespan < 2s", TIME),
        ("0 < makespan", TIME),
        ("throughput > acked / makespan", RATE),
        ("peak_memory < 1GB", SIZE),
        ("makespan * makespan > 0", Dimension(time=2)),
    ],
)
def test_an_expression_knows_its_dimension(text: str, dimension: Dimension) -> None:
    assert parse_expression(text).dimension == dimension


def test_expressions_are_equal_by_their_text() -> None:
    assert parse_expression("failed == 0") == parse_expression("failed == 0")
    assert parse_expression("failed == 0") != parse_expression("failed  == 0")


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the expression ends too early; a number or a name is missing"),
        ("users ==", 9, "the expression ends too early; a number or a name is missing"),
        ("users", 1, "the comparison is missing; write e.g. failed == 0"),
        ("users = 7", 7, "'=' does not fit here; write == to compare"),
        ("users ~ 7", 7, "'~' does not fit here; write ~= with a tolerance, e.g. ~= 2s within 10%"),
        ("1 < users < 9", 11,
         "a chain of comparisons is not allowed; write separate expectations"),
        ("users == 7 and failed == 0", 12,
         "'and' does not fit here; write each expectation as a separate item"),
        ("users ~= 7", 7, "~= needs a tolerance; write e.g. within 10% or within 50ms"),
        ("users == 7 within 10%", 19,
         "within is not allowed with ==; use ~= for a tolerance"),
        ("failed ~= 0 within 10%", 20,
         "a percentage of 0 is 0; write == 0, or a tolerance with a unit"),
        ("users ~= 7 within workers", 19,
         "'workers' does not fit here; allowed: a tolerance such as 10% or 50ms"),
        ("(users == 7", 8, "'==' does not fit here; allowed: + - * /, ')'"),
        ("users == 7)", 11,
         "')' does not fit here; allowed: + - * /, a comparison, within, with, the end"),
        ("users == 7 failed", 12,
         "'failed' does not fit here; allowed: + - * /, a comparison, within, with, the end"),
        ("users == 7.", 11,
         "'.' does not fit here; allowed: names, numbers, comparisons and + - * / ( ) ,"),
        ("users == * 7", 10, "'*' does not fit here; allowed: a number, a name or '('"),
        ("users == 7 %", 12,
         "'%' does not fit here; write a percentage as a number with %, e.g. 10%"),
        ("makespan == 2", 13,
         "makespan is a time and 2 is a bare number; write a unit, e.g. 2s"),
        ("2 == makespan", 6,
         "2 is a bare number and makespan is a time; write a unit, e.g. 2s"),
        ("peak_memory < 5", 15,
         "peak_memory is a size and 5 is a bare number; write a unit, e.g. 5MB"),
        ("throughput > 5", 14,
         "throughput is a rate and 5 is a bare number; write a unit, e.g. 5 / 1s"),
        ("makespan - 2 == 1s", 12,
         "makespan is a time and 2 is a bare number; write a unit, e.g. 2s"),
        ("makespan == (users + 1) * messages", 13,
         "makespan is a time and (users + 1) * messages is a bare number; both need the same unit"),
        ("makespan ~= 2s within 5", 23,
         "2s is a time and 5 is a bare number; write a unit, e.g. 5s"),
        ("ceil(makespan) == 1", 6,
         "ceil needs a bare number and makespan is a time; divide it by a unit first"),
        ("max(users) == 1", 1, "max takes two or more values and got 1"),
        ("abs(users, 2) == 1", 1, "abs takes one value and got 2"),
        ("sqrt(users) == 1", 1, "unknown function 'sqrt'; allowed: ceil, floor, min, max, abs"),
        ("cel(users) == 1", 1,
         "unknown function 'cel'; did you mean 'ceil'? allowed: ceil, floor, min, max, abs"),
        ("users == 5x", 10,
         "unknown unit 'x' in '5x'; allowed: us, ms, s, m, B, kB, KB, MB, GB, KiB, MiB, GiB, %"),
        ("users == " + "9" * 400, 10, "the number is too large; write a smaller one"),
        ("users == " + "1" * 500, 1, "509 characters; an expression has at most 500"),
        ("-" * 60 + "users == 1", 11, "more than 50 operations deep; write several expectations"),
        ("(" * 245 + "users", 251, "the expression ends too early; a number or a name is missing"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse_expression(text)
    assert (refusal.value.column, refusal.value.message) == (column, message)


def test_an_unknown_name_gets_a_hint_and_the_whole_list() -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse_expression("failed == peak_in_servise")
    assert refusal.value.column == 11
    assert refusal.value.message.startswith(
        "unknown name 'peak_in_servise'; did you mean 'peak_in_service'? allowed: users, replicas, "
    )
    assert "p99" in refusal.value.message


def test_brackets_may_nest_as_deep_as_they_fit() -> None:
    assert evaluated("(" * 245 + "7" + ")" * 245 + "==7").passed is True
