import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.dimensions import COUNT, TIME
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.syntax import EXTREMES, Amount, ExpressionError, Selection
from orchestrator.measures.template import (
    Blank,
    Template,
    is_reference,
    parse_condition,
    parse_template,
)

WORDS = [*MEASURES, *EXTREMES, "ratio", "which", "of", "{", "}", "{{", "}}", "(", ")", ",", "==",
         "<", "=", "5ms", "0", "users", "prefork", "p(99.5)"]  # fmt: skip


def blank(text: str) -> Blank:
    (found,) = parse_template(text).blanks
    return found


@given(st.text(alphabet=st.characters(exclude_characters="{}")))
def test_a_text_without_braces_is_itself(text: str) -> None:
    assert "".join(map(str, parse_template(text).pieces)) == text


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text())
def test_any_text_is_a_template_or_refused_with_a_place_in_it(text: str) -> None:
    try:
        template = parse_template(text)
    except ExpressionError as error:
        refusal = error
    else:
        assert str(template) == text
        for each in template.blanks:
            needs_order = any(map(is_reference, Template("", (each,)).names))
            assert each.about is not None or not needs_order
        return
    assert 1 <= refusal.column <= len(text) + 1
    assert refusal.message


def test_double_braces_are_braces() -> None:
    assert "".join(map(str, parse_template("a {{b}} c").pieces)) == "a {b} c"


def test_an_amount_has_a_total_and_a_noun() -> None:
    found = blank("{failed of sent short messages}")
    assert isinstance(found.hole, Amount)
    assert found.hole.total is not None
    assert (found.hole.noun, found.dimension) == ("short messages", COUNT)


def test_a_bare_extreme_and_ratio_are_about_the_order_before_them() -> None:
    one, ratio, other, again = parse_template(
        "{fastest(makespan)} {ratio} {slowest} {most(errors)}"
    ).blanks
    assert one.about is not None
    assert (one.about.dimension, ratio.about, other.about) == (TIME, one.about, one.about)
    assert again.about != one.about


def test_a_reference_before_the_first_order_is_about_that_one() -> None:
    ratio, order = parse_template("{ratio} times: {fastest(makespan)}").blanks
    assert ratio.about == order.about


def test_an_extreme_may_have_a_condition() -> None:
    found = blank("{least(workers, p99 < 50ms)}")
    assert isinstance(found.hole, Selection)
    assert found.hole.condition is not None
    assert found.about is not None
    assert found.about.condition == found.hole.condition


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (f"{'a' * 500} {{makespan}}", 1,
         "511 characters; a sentence has at most 500; write several"),
        ("done {", 6, "this brace is never closed; write } after the measure, or {{ for a brace"),
        ("done } now", 6, "no brace is open here; write }} for a brace"),
        ("{ }", 1, "nothing stands between the braces; write a measure, e.g. {makespan}"),
        ("{slowest}", 2, "slowest of which measure? write e.g. slowest(makespan)"),
        ("it is {ratio}", 8, "the ratio of which measure? write e.g. ratio(makespan)"),
        ("{makespan(fastest)}", 2,
         "fastest of which measure? write e.g. {fastest(makespan)} in the same text"),
        ("{fastest(failed)}", 2, "fastest is for times and rates; write least(...) or most(...)"),
        ("{makespan messages}", 11,
         "'messages' does not fit here; only a bare number is counted in things"),
        ("{ratio(makespan / users)}", 2,
         "ratio is that of one measure; write e.g. ratio(makespan)"),
        ("a {failed of makespan}", 14,
         "failed is a bare number and makespan is a time; both need the same unit"),
        ("{which(p99 < 2s with 95%)}", 8,
         "a condition holds or it does not; leave the confidence out"),
        ("{which(p99 < 2)}", 14,
         "p99 is a time and 2 is a bare number; write a unit, e.g. 2s or 2ms"),
        ("{which(p99)}", 8, "the comparison is missing; write e.g. failed == 0"),
        ("{makespan(a, workers=8, b)}", 25,
         "write a model and values of axes, e.g. makespan(prefork, workers=8)"),
        ("{makespan(epoll(single))}", 11,
         "write a model and values of axes, e.g. makespan(prefork, workers=8)"),
        ("{ratio(makespan(workers=8))}", 8,
         "write a model and values of axes, e.g. ratio(prefork, workers=8)"),
        ("{ratio(makespan, workers=8)}", 2, "ratio is over all cases; leave workers=8 out"),
        ("{fastest(p99)} {p50(fastest, workers=8)}", 17,
         "fastest is over all cases; leave workers=8 out"),
        ("{makespan(workers=8, workers=9)}", 22,
         "workers has a value already; name each axis once"),
        ("{p99 < 2s}", 6, "'<' does not fit here; allowed: + - * /, of, a noun, the end"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse_template(text)
    assert (refusal.value.column, refusal.value.message) == (column, message)


def test_an_unknown_measure_is_named_with_what_was_meant() -> None:
    with pytest.raises(ExpressionError, match="unknown name 'makespam'; did you mean 'makespan'"):
        parse_template("it took {makespam}")


@pytest.mark.parametrize("text", ["ratio > 2", "makespan(fastest) < 1s"])
def test_a_condition_has_no_sentence_that_it_could_refer_to(text: str) -> None:
    with pytest.raises(ExpressionError, match="of which measure"):
        parse_condition(text)


def test_a_condition_is_checked_like_an_expectation() -> None:
    assert parse_condition("ratio(makespan) > 1.1").dimension == COUNT
    with pytest.raises(ExpressionError, match="write a unit"):
        parse_condition("makespan < 2")
    with pytest.raises(ExpressionError, match="leave the confidence out"):
        parse_condition("makespan < 2s with 95%")
