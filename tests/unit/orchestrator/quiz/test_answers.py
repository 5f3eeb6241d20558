"""What is read as an answer, and what counts as right."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.dimensions import COUNT, RATE, TIME
from orchestrator.quiz.answers import Amount, Answer, AnswerError, Choice, Value

DURATION, RATES, NUMBER = Amount(0.6, TIME), Amount(12.5, RATE), Amount(3.0, COUNT)
USERS = Choice(["user 1", "user 2", "user 12"], frozenset({"user 2"}))
UNITS_S = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0, "min": 60.0}


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("600ms", 0.6),
        ("0.6s", 0.6),
        ("0,6 s", 0.6),
        ("  600 MS ", 0.6),
        ("600 milliseconds", 0.6),
        ("1 second", 1.0),
        ("2m", 120.0),
        ("0s", 0.0),
    ],
)
def test_a_duration_is_a_number_and_a_unit(typed: str, seconds: float) -> None:
    assert DURATION.parse(typed) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("600", "600 has no unit; write 600ms or 600s"),
        ("soon", "'soon' is no duration; write e.g. 600ms or 1.2s"),
        ("-5ms", "'-5ms' is no duration; write e.g. 600ms or 1.2s"),
        ("5h", "'5h' is no duration; write e.g. 600ms or 1.2s"),
        ("1.2.3s", "'1.2.3s' is no duration; write e.g. 600ms or 1.2s"),
    ],
)
def test_what_is_no_duration_is_refused_with_what_to_type(typed: str, advice: str) -> None:
    with pytest.raises(AnswerError) as refused:
        DURATION.parse(typed)
    assert str(refused.value) == advice


@pytest.mark.parametrize("typed", ["12.5", "12,5/s", "12.5 per second", "12.5 messages/second"])
def test_a_rate_may_leave_out_its_unit(typed: str) -> None:
    assert RATES.parse(typed) == 12.5


def test_a_count_is_a_whole_number() -> None:
    assert (NUMBER.parse("3"), NUMBER.parse(" none ")) == (3.0, 0.0)
    for wrong in ("3.5", "three", "-1", "", "3ms"):
        with pytest.raises(AnswerError, match="is no answer; write a whole number"):
            NUMBER.parse(wrong)


def test_a_choice_is_an_option_or_its_last_word() -> None:
    assert [USERS.parse(each) for each in ("User 2", "2", " user  12", "12")] == [
        "user 2", "user 2", "user 12", "user 12",
    ]  # fmt: skip
    with pytest.raises(AnswerError, match=r"'user' is no answer; write one of: user 1, user 2"):
        USERS.parse("user")


def test_any_of_several_right_options_counts() -> None:
    two = Choice(["a", "b", "c"], frozenset({"c", "a"}))
    assert [two.accepts(each) for each in ("a", "b", "c")] == [True, False, True]
    assert two.right_text == "a or c"


def test_the_tolerance_is_the_one_that_the_form_states() -> None:
    assert "within 10% and 10 ms" in DURATION.form
    assert "within 10%" in RATES.form
    assert [DURATION.accepts(each) for each in (0.529, 0.53, 0.67, 0.671)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert [RATES.accepts(each) for each in (11.24, 11.25, 13.75, 13.76)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert [NUMBER.accepts(each) for each in (2.0, 3.0, 4.0)] == [False, True, False]
    assert not NUMBER.accepts("3")


def read(kind: Answer, typed: str) -> tuple[Value | None, str]:
    """Return what ``typed`` is read as, or why it is refused."""
    try:
        return kind.parse(typed), ""
    except AnswerError as exc:
        return None, str(exc)


@given(st.text(max_size=60))
def test_any_text_is_an_answer_or_refused_in_one_line(typed: str) -> None:
    for kind in (DURATION, RATES, NUMBER, USERS):
        value, refusal = read(kind, typed)
        if value is None:
            assert "write" in refusal
            assert refusal.isprintable()
        else:
            assert value in USERS.options if isinstance(value, str) else math.isfinite(value)


@given(
    st.decimals(0, 10_000, places=3, allow_nan=False), st.sampled_from(list(UNITS_S)), st.booleans()
)
def test_a_written_duration_is_read_back(number: object, unit: str, is_spaced: bool) -> None:
    typed = f"{number}{' ' if is_spaced else ''}{unit}"
    assert DURATION.parse(typed) == pytest.approx(float(str(number)) * UNITS_S[unit])


@given(st.floats(0.01, 100), st.sampled_from([TIME, RATE]))
def test_the_right_amount_itself_and_what_is_printed_of_it_are_right(
    right: float, dimension: object
) -> None:
    answer = Amount(right, dimension)  # type: ignore[arg-type]
    assert answer.accepts(right)
    assert answer.accepts(answer.parse(answer.right_text))
