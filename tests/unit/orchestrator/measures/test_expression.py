import pytest

from orchestrator.measures.expression import fewest_repeats, parse_expression, parse_term
from orchestrator.measures.syntax import ExpressionError


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
        ("users == 5x", 10,
         "unknown unit 'x' in '5x'; allowed: us, ms, s, m, B, kB, KB, MB, GB, KiB, MiB, GiB, %"),
        ("users == " + "9" * 400, 10, "the number is too large; write a smaller one"),
        ("users == " + "1" * 500, 1, "509 characters; an expression has at most 500"),
        ("-" * 60 + "users == 1", 11, "more than 50 operations deep; write several expectations"),
        ("p99.12345 < 1s", 1,
         "'99.12345' is not a percentile; a percentile is above 0 and below 100, e.g. p95 or p99.5,"
         " with at most 4 decimals"),
        ("1s > slow.p100.5", 6,
         "'100.5' is not a percentile; a percentile is above 0 and below 100, e.g. p95 or p99.5, "
         "with at most 4 decimals"),
        ("p100 < 1s", 1,
         "p100 is not a percentile; a percentile is above 0 and below 100, e.g. p95 or p99.5"),
        ("1s > slow.p0", 6,
         "p0 is not a percentile; a percentile is above 0 and below 100, e.g. p95 or p99.5"),
        ("p(101) < 1s", 3,
         "'101' is not a percentile; a percentile is above 0 and below 100, e.g. p95 or p99.5, "
         "with at most 4 decimals"),
        ("p(99%) < 1s", 3, "p needs a number without a unit in its brackets; "
         "a percentile is above 0 and below 100, e.g. p95 or p99.5"),
        ("p(epoll) < 1s", 3, "p needs a number without a unit in its brackets; "
         "a percentile is above 0 and below 100, e.g. p95 or p99.5"),
        ("makespan(epoll)(epoll) < 1s", 16,
         "two pairs of brackets follow p(99.5) only, not makespan"),
        ("schedule_lag_p95 < 1s", 1,
         "each client replica reports schedule_lag_p50, _p99 and _max only"),
        ("(" * 245 + "users", 251, "the expression ends too early; a number or a name is missing"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse_expression(text)
    assert (refusal.value.column, refusal.value.message) == (column, message)


def test_brackets_may_nest_as_deep_as_they_fit() -> None:
    assert parse_expression("(" * 245 + "7" + ")" * 245 + "==7").evaluate({}).passed is True


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("p95 < p99", ["response_time_p95", "response_time_p99"]),
        ("p(95) < p(99.5)", ["response_time_p95", "response_time_p99_5"]),
        ("p99.5 < 1s", ["response_time_p99_5"]),
        ("slow.p(99.9) < 1s", ["slow.response_time_p999"]),
        ("slow.exchange_time_p2.5(epoll) < 1s", ["slow.exchange_time_p2_5(epoll)"]),
        ("after.response_time_p(2.5) < 1s", ["after.response_time_p2_5"]),
        (
            "p95(epoll) < p(99.5)(single)",
            ["response_time_p95(epoll)", "response_time_p99_5(single)"],
        ),
        ("2 * slow.p(95)(epoll) < 1s", ["slow.response_time_p95(epoll)"]),
    ],
)
def test_any_percentile_can_be_named(text: str, names: list[str]) -> None:
    assert parse_expression(text).value_names == names
    assert parse_expression(text).evaluate(dict.fromkeys(names, 0.5)).passed is not None


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("host_busy < 25%", 0.9941, "99.41%"),
        ("25% > host_busy", 0.25, "25%"),
        ("host_busy < 0.25", 0.994, "0.994"),
        ("makespan ~= 2s within 5%", 2.0, "2.000 s"),
    ],
)
def test_a_side_is_in_percent_if_the_other_one_is(text: str, value: float, shown: str) -> None:
    assert parse_expression(text).side_text(value) == shown


def test_a_term_is_one_value() -> None:
    term = parse_term("makespan(single) / 4ms")
    assert [name.model for name in term.names] == ["single"]
    assert term.evaluate({"makespan(single)": 0.016}).left == 4.0
    assert term.evaluate({}).left is None
    with pytest.raises(ExpressionError, match="'<' does not fit here"):
        parse_term("makespan < 4ms")


def test_the_measured_sides_of_an_expression_are_those_that_are_no_constant() -> None:
    both = parse_expression("p99(epoll) < 0.1 * p99(single) with 95%").measured_sides
    assert [side.text for side in both] == ["p99(epoll)", "0.1 * p99(single)"]
    for bound in ("2 * 5ms", "38 * service_time"):
        assert [each.text for each in parse_expression(f"p99 < {bound}").measured_sides] == ["p99"]


@pytest.mark.parametrize(("confidence", "repeats"), [(0.5, 5), (0.95, 5), (0.99, 7), (0.999, 10)])
def test_a_confidence_needs_repeats(confidence: float, repeats: int) -> None:
    assert fewest_repeats(confidence) == repeats
