"""The single values that a scenario may hold: counts, flags, words, durations, expectations.

Each is checked as written, nothing is coerced, and each refusal says what is allowed. Durations
stay text, as the server reads them; ``parse_duration_s`` has their seconds.

How much load a scenario may ask for: of clients that run, and of a prediction that runs none.

The single values of a load: demands, laws of durations, rates, pools, names of groups. Each is
checked as written and stays text, as the clients read it; each refusal says what is allowed.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from labkit.protocol.parsing import UNITS_S, DurationError, parse_duration_s
from labkit.workload.distributions import FORM as DEMAND_FORM
from labkit.workload.distributions import FORMS as LAW_FORMS
from labkit.workload.distributions import Demands, DemandsError, LawError, parse_law
from orchestrator.measures.dimensions import UNITS_BYTES
from orchestrator.measures.expression import Expression, parse_expression
from orchestrator.measures.hints import listed, quote, unknown
from orchestrator.measures.syntax import ExpressionError

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


KEY = "scale"
"""Under which the context of a validation has it."""


@dataclass(frozen=True)
class Scale:
    """Most users at once in a case, and most messages of a closed and arrivals of an open group."""

    users: int
    messages: int
    arrivals: int


RUN = Scale(users=10_000, messages=10_000_000, arrivals=1_000_000)
PREDICTION = Scale(users=2_000_000, messages=10_000_000, arrivals=10_000_000)


def scale_of(context: Mapping[str, Any] | None) -> Scale:
    """Return the scale that a validation is made for: that of a run, unless it says otherwise."""
    scale = (context or {}).get(KEY, RUN)
    assert isinstance(scale, Scale)  # noqa: S101 for the type checker
    return scale


MAX_DURATION = "60m"
EACH, RANDOM = "each", "random"
MAX_WORKER = 1024
MAX_POOL = 10_000
MAX_DEMAND_CHARS = 2_000  # of all groups together, less than a line of the wire holds
_RATE = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?/(?:s|m)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")


def users_from(low: int) -> BeforeValidator:
    """Accept a number of users: from ``low`` to as many as the scale has that is asked for."""

    def check(value: object, info: ValidationInfo) -> int:
        return check_whole(value, low, scale_of(info.context).users)

    in_range = Annotated[int, Field(ge=low, le=RUN.users)]
    return BeforeValidator(check, json_schema_input_type=in_range)


def rate_between(low: str, high: str) -> BeforeValidator:
    """Accept a rate from ``low`` to ``high``, as text: a number per second or minute."""

    def check(value: object) -> str:
        written = _RATE.fullmatch(value) if isinstance(value, str) else None
        if not isinstance(value, str) or written is None:
            shown = quote(value) if isinstance(value, str) else describe(value)
            raise complaint(f"{shown}; write a rate, e.g. 200/s or 30/m")
        if not parse_rate_per_s(low) <= parse_rate_per_s(value) <= parse_rate_per_s(high):
            raise complaint(f"{quote(value)} is out of range; allowed: {low} to {high}")
        return value

    return BeforeValidator(check, json_schema_input_type=written_as(_RATE.pattern))


def parse_rate_per_s(written: str) -> float:
    """Return how many per second ``written``, which was checked to be a rate, states."""
    number, _, unit = written.partition("/")
    return float(number) / UNITS_S[unit]


def _check_demand(value: object) -> str:
    """Return a demand, or several that take turns, as the one text that clients read."""
    if isinstance(value, list):
        if not value:
            raise complaint("the list is empty; write at least one demand")
        complaints(_bad_turns(value))
        value = ", ".join(value)
    if not isinstance(value, str):
        raise complaint(f"{describe(value)}; {DEMAND_FORM}")
    return _read_demand(value)


def _bad_turns(turns: list[object]) -> Iterator[tuple[tuple[int], PydanticCustomError]]:
    for index, turn in enumerate(turns):
        try:
            _check_demand(None if isinstance(turn, list) else turn)
        except PydanticCustomError as error:
            yield (index,), error


def _read_demand(text: str) -> str:
    if len(text) > MAX_DEMAND_CHARS:
        raise complaint(f"{len(text)} characters; allowed: at most {MAX_DEMAND_CHARS}")
    try:
        mean_s = Demands.parse(text).mean_s
    except DemandsError as error:
        raise complaint(str(error).removeprefix("demand ")) from None
    if mean_s > parse_duration_s(MAX_DURATION):
        raise complaint(f"{quote(text)} is out of range; allowed: {MAX_DURATION} on average")
    return text


def _check_law(value: object) -> str:
    if not isinstance(value, str):
        raise complaint(f"{describe(value)}; write {LAW_FORMS}")
    try:
        mean_s = parse_law(value).mean_s()
    except LawError as error:
        raise complaint(str(error)) from None
    if mean_s > parse_duration_s(MAX_DURATION):
        raise complaint(f"{quote(value)} is out of range; allowed: {MAX_DURATION} on average")
    return value


def _check_pool(value: object) -> int | str:
    if value == EACH:
        return EACH
    allowed = f"allowed: {EACH}, one of its own for each arrival, or a pool of 1 to {MAX_POOL}"
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_POOL:
        shown = quote(value) if isinstance(value, str) else describe(value)
        raise complaint(f"{shown}; {allowed}")
    return value


def _check_worker(value: object) -> int | str:
    if value == RANDOM:
        return RANDOM
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_WORKER:
        shown = quote(value) if isinstance(value, str) else describe(value)
        raise complaint(f"{shown}; allowed: {RANDOM}, or a worker from 1 to {MAX_WORKER}")
    return value


def _check_name(value: object) -> str:
    form = "write a word of at most 30 letters, digits and _, that begins with a letter"
    if not isinstance(value, str):
        raise complaint(f"{describe(value)}; {form}")
    if not _NAME.fullmatch(value):
        raise complaint(f"{quote(value)} cannot be told from an expression; {form}")
    return value


_LAW = rf"{DURATION}|(?:exponential|hyperexponential|bimodal)\(.+\)"
_DEMAND = Annotated[str, Field(pattern=r"^\s*(?:sleep|cpu)=")]
_WORKER = Literal["random"] | Annotated[int, Field(ge=1, le=MAX_WORKER)]
_POOL = Literal["each"] | Annotated[int, Field(ge=1, le=MAX_POOL)]

Demand = Annotated[
    str,
    BeforeValidator(_check_demand, json_schema_input_type=_DEMAND | list[_DEMAND]),
]
Law = Annotated[str, BeforeValidator(_check_law, json_schema_input_type=written_as(_LAW))]
Pool = Annotated[int | str, BeforeValidator(_check_pool, json_schema_input_type=_POOL)]
Worker = Annotated[int | str, BeforeValidator(_check_worker, json_schema_input_type=_WORKER)]
Name = Annotated[
    str, BeforeValidator(_check_name, json_schema_input_type=written_as(_NAME.pattern))
]
