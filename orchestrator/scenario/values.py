"""The single values that a scenario may hold: counts, flags, words, durations, expectations.

Each is checked as written, nothing is coerced, and each refusal says what is allowed. Durations
stay text, as the server reads them; ``parse_duration_s`` has their seconds.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from labkit.protocol.parsing import UNITS_S, DurationError, parse_duration_s
from orchestrator.dimensions import UNITS_BYTES
from orchestrator.expressions import Expression, ExpressionError, parse_expression
from orchestrator.wording import listed, quote, unknown

_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([A-Za-z]{1,3})")
DURATION = rf"[0-9]+(?:\.[0-9]+)?(?:{'|'.join(UNITS_S)})"
SIZE = rf"[0-9]+(?:\.[0-9]+)?(?:{'|'.join(UNITS_BYTES)})"
"""How they are written, for whoever checks a file without us."""

COMPLAINT = "complaint"
"""The error type whose ``message`` is the whole story."""


def complaint(message: str, *, at_key: bool = False, column: int = 0) -> PydanticCustomError:
    """Return an error to raise in a validator; ``column``, from 1, is a place within the text."""
    context = {"message": message, "at_key": at_key, "column": column}
    return PydanticCustomError(COMPLAINT, "{message}", context)


def complaints(found: Iterable[tuple[tuple[str | int, ...], PydanticCustomError]]) -> None:
    """Raise all errors that were ``found`` below the value being validated, if any."""
    errors = [InitErrorDetails(type=error, loc=where, input=None) for where, error in found]
    if errors:
        raise ValidationError.from_exception_data("scenario", errors)


def describe(value: object) -> str:
    """Say what ``value`` is, for an error."""
    match value:
        case bool():
            return f"{str(value).lower()} is a truth value"
        case str():
            return f"{quote(value)} is text"
        case int() | float():
            return f"{value} is a number"
        case list():
            return "this is a list"
        case dict():
            return "this is a map"
    return "there is no value"


def whole(low: int, high: int) -> BeforeValidator:
    """Accept a whole number from ``low`` to ``high``."""
    return BeforeValidator(
        lambda value: check_whole(value, low, high),
        json_schema_input_type=Annotated[int, Field(ge=low, le=high)],
    )


def check_whole(value: object, low: int, high: int) -> int:
    """Return ``value`` if it is a whole number from ``low`` to ``high``."""
    allowed = f"allowed: a whole number from {low} to {high}"
    if not isinstance(value, int) or isinstance(value, bool):
        raise complaint(f"{describe(value)}; {allowed}")
    if not low <= value <= high:
        raise complaint(f"{value} is out of range; {allowed}")
    return value


def duration_between(low: str, high: str) -> BeforeValidator:
    """Accept a duration from ``low`` to ``high``, as text with a unit."""
    return BeforeValidator(
        lambda value: check_duration(value, low, high),
        json_schema_input_type=written_as(DURATION),
    )


def written_as(pattern: str) -> object:
    """Return the type of a text that is as ``pattern`` from end to end, for the JSON Schema."""
    return Annotated[str, Field(pattern=f"^(?:{pattern})$")]


def number_between(low: float, high: float) -> BeforeValidator:
    """Accept a number, whole or not, from ``low`` to ``high``."""

    def check(value: object) -> float:
        allowed = f"allowed: a number from {low:g} to {high:g}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise complaint(f"{describe(value)}; {allowed}")
        if not low <= value <= high:
            raise complaint(f"{value} is out of range; {allowed}")
        return float(value)

    in_range = Annotated[float, Field(ge=low, le=high)]
    return BeforeValidator(check, json_schema_input_type=in_range)


def size_between(low: str, high: str) -> BeforeValidator:
    """Accept a size from ``low`` to ``high``, as text with a unit."""

    def check(value: object) -> str:
        written = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if not isinstance(value, str) or written is None or written[2] not in UNITS_BYTES:
            shown = quote(value) if isinstance(value, str) else describe(value)
            raise complaint(f"{shown}; write a size: a number and {listed(UNITS_BYTES)}")
        if not parse_size_bytes(low) <= parse_size_bytes(value) <= parse_size_bytes(high):
            raise complaint(f"{quote(value)} is out of range; allowed: {low} to {high}")
        return value

    return BeforeValidator(check, json_schema_input_type=written_as(SIZE))


def parse_size_bytes(written: str) -> float:
    """Return the bytes of ``written``, which was checked to be a size."""
    number, unit = _SIZE.fullmatch(written).groups()  # type: ignore[union-attr]
    return float(number) * UNITS_BYTES[unit]


def check_duration(value: object, low: str, high: str) -> str:
    """Return ``value`` if it is a duration from ``low`` to ``high``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise complaint(f"{value} is a bare number; write a unit, e.g. {value}ms")
    if not isinstance(value, str):
        raise complaint(f"{describe(value)}; write a duration, e.g. 100ms")
    try:
        seconds = parse_duration_s(value)
    except DurationError:
        message = f"{quote(value)} is not a duration; write a number and a unit: us, ms, s, m"
        raise complaint(message) from None
    if not parse_duration_s(low) <= seconds <= parse_duration_s(high):
        raise complaint(f"{quote(value)} is out of range; allowed: {low} to {high}")
    return value


def one_of(*choices: str) -> BeforeValidator:
    """Accept one of a few words."""
    return BeforeValidator(
        lambda value: check_word(value, choices),
        json_schema_input_type=Literal[choices],
    )


def check_word(value: object, choices: Collection[str]) -> str:
    """Return ``value`` if it is one of ``choices``."""
    if not isinstance(value, str):
        raise complaint(f"{describe(value)}; allowed: {listed(choices)}")
    if value not in choices:
        raise complaint(unknown("value", value, choices))
    return value


def _check_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise complaint(f"{describe(value)}; allowed: true or false")
    return value


def _check_text(value: object) -> str:
    if not isinstance(value, str):
        raise complaint(f"{describe(value)}; write text, in quotes where it looks like a number")
    return value


def _check_expression(value: object) -> Expression:
    if isinstance(value, Expression):
        return value
    try:
        return parse_expression(_check_text(value))
    except ExpressionError as error:
        raise complaint(error.message, column=error.column) from None


def not_empty(what: str) -> Callable[[tuple[object, ...]], tuple[object, ...]]:
    """Accept a list that holds at least one ``what``."""

    def check(value: tuple[object, ...]) -> tuple[object, ...]:
        if not value:
            raise complaint(f"the list is empty; write at least one {what}")
        return value

    return check


Flag = Annotated[bool, BeforeValidator(_check_flag)]
Text = Annotated[str, BeforeValidator(_check_text)]
Expectation = Annotated[
    Expression,
    PlainValidator(_check_expression, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
