"""The single values of a load: demands, laws of durations, rates, pools, names of groups.

Each is checked as written and stays text, as the clients read it; each refusal says what is
allowed.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from labkit.protocol.parsing import UNITS_S, parse_duration_s
from labkit.workload.distributions import FORM as DEMAND_FORM
from labkit.workload.distributions import FORMS as LAW_FORMS
from labkit.workload.distributions import Demands, DemandsError, LawError, parse_law
from orchestrator.scenario.scale import RUN, scale_of
from orchestrator.scenario.values import (
    DURATION,
    check_whole,
    complaint,
    complaints,
    describe,
    written_as,
)
from orchestrator.wording import quote

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
