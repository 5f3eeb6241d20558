"""The types of the single values in a scenario: counts, words, durations, rates, demands.

A value is checked as written and never converted; an error says what is allowed. Durations, sizes,
rates and demands stay text, because the server and the clients parse the same text.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from labkit.protocol.parsing import UNITS_S, DurationError, parse_duration_s
from labkit.workload.distributions import FORM as DEMAND_FORM
from labkit.workload.distributions import FORMS as LAW_FORMS
from labkit.workload.distributions import Demands, DemandsError, LawError, parse_law
from orchestrator.measures.dimensions import UNITS_BYTES
from orchestrator.measures.expression import Expression, Term, parse_expression
from orchestrator.measures.hints import listed, quote, unknown
from orchestrator.measures.syntax import ExpressionError
from orchestrator.scenario.guesses import parse_guess
from orchestrator.scenario.yaml_document import Location

OFF = "off"
TRUTH_VALUE = "is a truth value"
INVALID_VALUE = "invalid_value"
"""The type of validation errors whose ``message`` needs no further explanation."""

MAX_DURATION = "60m"
MAX_WORKER = 1024
MAX_POOL = 10_000
MAX_DEMAND_CHARS = 2_000  # all groups must fit into one line of the conductor's protocol
MAX_LOAD = "max_load"
"""The key of a `MaxLoad` in the context of a validation."""

EACH, RANDOM = "each", "random"
WORD = "[A-Za-z][A-Za-z0-9_]{0,29}"
WORD_FORM = "write a word of at most 30 letters, digits and _ that begins with a letter"
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([A-Za-z]{1,3})")
_RATE = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?/(?:s|m)")

_Parsed = TypeVar("_Parsed", Expression, Term)

Found = Iterable[tuple[Location, PydanticCustomError]]
"""Errors, each with its location below the value that is validated."""


@dataclass(frozen=True)
class MaxLoad:
    """The largest load that a scenario may ask for.

    ``users`` at once in a case, ``messages`` of a closed group, ``arrivals`` of an open group.
    """

    users: int
    messages: int
    arrivals: int


RUN_LOAD = MaxLoad(users=10_000, messages=10_000_000, arrivals=1_000_000)
PREDICTION_LOAD = MaxLoad(users=2_000_000, messages=10_000_000, arrivals=2_500_000)


def max_load_of(context: Mapping[str, Any] | None) -> MaxLoad:
    """Return the largest load that a validation allows; by default that of a run."""
    max_load = (context or {}).get(MAX_LOAD, RUN_LOAD)
    assert isinstance(max_load, MaxLoad)  # noqa: S101 for the type checker
    return max_load


def invalid_value(message: str, *, at_key: bool = False, column: int = 0) -> PydanticCustomError:
    """Return an error for a validator to raise; ``column``, from 1, is a place in the text."""
    context = {"message": message, "at_key": at_key, "column": column}
    return PydanticCustomError(INVALID_VALUE, "{message}", context)


def raise_all(found: Found) -> None:
    """Raise all errors in ``found`` as one, if there are any."""
    errors = [InitErrorDetails(type=error, loc=where, input=None) for where, error in found]
    if errors:
        raise ValidationError.from_exception_data("scenario", errors)


def describe(value: object) -> str:
    """Return what ``value`` is, as the first half of an error."""
    match value:
        case bool():
            return f"{str(value).lower()} {TRUTH_VALUE}"
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
        lambda value: _check_whole(value, low, high),
        json_schema_input_type=Annotated[int, Field(ge=low, le=high)],
    )


def users_from(low: int) -> BeforeValidator:
    """Accept a number of users from ``low`` to the largest load that the validation allows."""

    def check(value: object, info: ValidationInfo) -> int:
        return _check_whole(value, low, max_load_of(info.context).users)

    in_range = Annotated[int, Field(ge=low, le=RUN_LOAD.users)]
    return BeforeValidator(check, json_schema_input_type=in_range)


def number_between(low: float, high: float) -> BeforeValidator:
    """Accept a number, whole or not, from ``low`` to ``high``."""

    def check(value: object) -> float:
        allowed = f"allowed: a number from {low:g} to {high:g}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise invalid_value(f"{describe(value)}; {allowed}")
        if not low <= value <= high:
            raise invalid_value(f"{value} is out of range; {allowed}")
        return float(value)

    in_range = Annotated[float, Field(ge=low, le=high)]
    return BeforeValidator(check, json_schema_input_type=in_range)


def duration_between(low: str, high: str) -> BeforeValidator:
    """Accept a duration from ``low`` to ``high``, as text with a unit."""
    return BeforeValidator(
        lambda value: _check_duration(value, (low, high)),
        json_schema_input_type=_written_as(DURATION),
    )


def duration_or_off(low: str, high: str) -> BeforeValidator:
    """Accept a duration from ``low`` to ``high``, or ``off``, which is false in YAML if not quoted.

    The value is text: a duration, or ``off``.
    """

    def check(value: object) -> str:
        value = off_as_text(value)
        return OFF if value == OFF else _check_duration(value, (low, high))

    written = Annotated[str, Field(pattern=f"^(?:{OFF}|{DURATION})$")]
    return BeforeValidator(check, json_schema_input_type=Literal[False] | written)


def off_as_text(value: object) -> object:
    """Return ``off`` for false, and any other value as it is."""
    return OFF if value is False else value


def size_between(low: str, high: str) -> BeforeValidator:
    """Accept a size from ``low`` to ``high``, as text with a unit."""

    def check(value: object) -> str:
        if number := _bare_number(value):
            raise invalid_value(f"{number} has no unit; write e.g. {number}MB or {number}MiB")
        written = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if not isinstance(value, str) or written is None or written[2] not in UNITS_BYTES:
            form = f"write a size: a number and {listed(UNITS_BYTES)}"
            raise invalid_value(f"{_shown(value)}; {form}")
        return _in_range(value, parse_size_bytes(value), (low, high), parse_size_bytes)

    size = rf"[0-9]+(?:\.[0-9]+)?(?:{'|'.join(UNITS_BYTES)})"
    return BeforeValidator(check, json_schema_input_type=_written_as(size))


def rate_between(low: str, high: str) -> BeforeValidator:
    """Accept a rate from ``low`` to ``high``, as text: a number per second or minute."""

    def check(value: object) -> str:
        if number := _bare_number(value):
            forms = f"{number}/s, per second, or {number}/m, per minute"
            raise invalid_value(f"{number} has no unit; write {forms}")
        if not isinstance(value, str) or not _RATE.fullmatch(value):
            raise invalid_value(f"{_shown(value)}; write a rate, e.g. 200/s or 30/m")
        return _in_range(value, parse_rate_per_s(value), (low, high), parse_rate_per_s)

    return BeforeValidator(check, json_schema_input_type=_written_as(_RATE.pattern))


def one_of(*choices: str) -> BeforeValidator:
    """Accept one of a few words."""
    return BeforeValidator(
        lambda value: check_word(value, choices),
        json_schema_input_type=Literal[choices],
    )


def not_empty(what: str) -> Callable[[tuple[object, ...]], tuple[object, ...]]:
    """Accept a list that holds at least one ``what``."""

    def check(value: tuple[object, ...]) -> tuple[object, ...]:
        if not value:
            raise invalid_value(f"the list is empty; write at least one {what}")
        return value

    return check


def check_word(value: object, choices: Collection[str]) -> str:
    """Return ``value`` if it is one of ``choices``."""
    word = _text_or(value, f"allowed: {listed(choices)}")
    if word not in choices:
        raise invalid_value(unknown("value", word, choices))
    return word


def parse_size_bytes(written: str) -> float:
    """Return the bytes of ``written``, which was checked to be a size."""
    number, unit = _SIZE.fullmatch(written).groups()  # type: ignore[union-attr]
    return float(number) * UNITS_BYTES[unit]


def parse_rate_per_s(written: str) -> float:
    """Return the number per second of ``written``, which was checked to be a rate."""
    number, _, unit = written.partition("/")
    return float(number) / UNITS_S[unit]


def _check_duration(value: object, bounds: tuple[str, str]) -> str:
    if number := _bare_number(value):
        raise invalid_value(f"{number} has no unit; write {number}s or {number}ms")
    text = _text_or(value, "write a duration, e.g. 100ms")
    try:
        seconds = parse_duration_s(text)
    except DurationError:
        message = f"{quote(text)} is not a duration; write a number and a unit: us, ms, s, m"
        raise invalid_value(message) from None
    return _in_range(text, seconds, bounds, parse_duration_s)


def _bare_number(value: object) -> str:
    """Return ``value`` as text if it is a number, or text that is one; else an empty text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value}"
    return value if isinstance(value, str) and _NUMBER.fullmatch(value) else ""


def _check_whole(value: object, low: int, high: int) -> int:
    allowed = f"allowed: a whole number from {low} to {high}"
    if isinstance(value, str) and _bare_number(value):
        form = f"write {value} without quotes, and a variable as $name"
        raise invalid_value(f"{quote(value)} is text; {form}; {allowed}")
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid_value(f"{describe(value)}; {allowed}")
    if not low <= value <= high:
        raise invalid_value(f"{value} is out of range; {allowed}")
    return value


def _check_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid_value(f"{describe(value)}; allowed: true or false")
    return value


def _check_text(value: object) -> str:
    return _text_or(value, "write text, in quotes if it looks like a number")


def parsed(value: object, parse: Callable[[str], _Parsed]) -> _Parsed:
    """Return what ``parse`` makes of a text; a value that is none was parsed before."""
    if isinstance(value, Expression | Term):
        return value  # type: ignore[return-value]  # each key has one kind
    try:
        return parse(_check_text(value))
    except ExpressionError as error:
        raise invalid_value(error.message, column=error.column) from None


def _check_identifier(value: object) -> str:
    name = _text_or(value, WORD_FORM)
    if not re.fullmatch(WORD, name):
        raise invalid_value(f"{quote(name)} is not a name; {WORD_FORM}")
    return name


def _check_demand(value: object) -> str:
    """Return a demand, or several that take turns, as the one text that clients parse."""
    if isinstance(value, list):
        not_empty("demand")(tuple(value))
        raise_all(_errors_of_turns(value))
        value = ", ".join(value)
    text = _text_or(value, DEMAND_FORM)
    if len(text) > MAX_DEMAND_CHARS:
        raise invalid_value(f"{len(text)} characters; allowed: at most {MAX_DEMAND_CHARS}")
    try:
        return _check_mean(text, Demands.parse(text).mean_s)
    except DemandsError as error:
        raise invalid_value(str(error).removeprefix("demand ")) from None


def _errors_of_turns(turns: list[object]) -> Found:
    for index, turn in enumerate(turns):
        try:
            _check_demand(None if isinstance(turn, list) else turn)
        except PydanticCustomError as error:
            yield (index,), error


def check_law(value: object) -> str:
    """Return ``value`` if it is a distribution."""
    text = str(value) if _bare_number(value) else _text_or(value, f"write {LAW_FORMS}")
    try:
        return _check_mean(text, parse_law(text).mean_s())
    except LawError as error:
        raise invalid_value(str(error)) from None


def _check_mean(text: str, mean_s: float) -> str:
    if mean_s > parse_duration_s(MAX_DURATION):
        raise invalid_value(f"{quote(text)} is out of range; allowed: {MAX_DURATION} on average")
    return text


def _word_or_whole(word: str, meaning: str, numbers: str, high: int) -> BeforeValidator:
    """Accept ``word``, or a whole number from 1 to ``high``."""

    def check(value: object) -> int | str:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if value == word or (is_whole and 1 <= value <= high):  # type: ignore[operator]
            return value  # type: ignore[return-value]
        message = f"{_shown(value)}; allowed: {word}{meaning}, or {numbers} 1 to {high}"
        raise invalid_value(message)

    in_range = Annotated[int, Field(ge=1, le=high)]
    return BeforeValidator(check, json_schema_input_type=Literal[word] | in_range)


def _text_or(value: object, form: str) -> str:
    """Return ``value`` if it is text; otherwise the error says to write ``form``."""
    if not isinstance(value, str):
        raise invalid_value(f"{describe(value)}; {form}")
    return value


def _in_range(
    text: str, value: float, bounds: tuple[str, str], parse: Callable[[str], float]
) -> str:
    low, high = bounds
    if not parse(low) <= value <= parse(high):
        raise invalid_value(f"{quote(text)} is out of range; allowed: {low} to {high}")
    return text


def _shown(value: object) -> str:
    return quote(value) if isinstance(value, str) else describe(value)


def _written_as(pattern: str) -> object:
    """Return the type of a text that matches ``pattern`` as a whole, for the JSON Schema."""
    return Annotated[str, Field(pattern=f"^(?:{pattern})$")]


DURATION = rf"[0-9]+(?:\.[0-9]+)?(?:{'|'.join(UNITS_S)})"
LAW = rf"{DURATION}|(?:exponential|hyperexponential|bimodal)\(.+\)"
_DEMAND = Annotated[str, Field(pattern=r"^\s*(?:sleep|cpu)=")]

Flag = Annotated[bool, BeforeValidator(_check_flag)]
Text = Annotated[str, BeforeValidator(_check_text)]
Identifier = Annotated[
    str, BeforeValidator(_check_identifier, json_schema_input_type=_written_as(WORD))
]
ExpressionText = Annotated[
    Expression,
    PlainValidator(lambda value: parsed(value, parse_expression), json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
GuessText = Annotated[
    Expression,
    PlainValidator(lambda value: parsed(value, parse_guess), json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
DemandText = Annotated[
    str, BeforeValidator(_check_demand, json_schema_input_type=_DEMAND | list[_DEMAND])
]
LawText = Annotated[str, BeforeValidator(check_law, json_schema_input_type=_written_as(LAW))]
PoolSize = Annotated[
    int | str, _word_or_whole(EACH, " (one for each arrival)", "a pool of", MAX_POOL)
]
WorkerChoice = Annotated[int | str, _word_or_whole(RANDOM, "", "a worker from", MAX_WORKER)]
