"""The key ``retry`` of a group of arrivals: how often a message that timed out is sent again."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from labkit.protocol.parsing import parse_duration_s
from labkit.workload.retries import FORMS, BackoffError, parse_backoff
from orchestrator.measures.hints import quote
from orchestrator.scenario.fields import DURATION, MAX_DURATION, describe, invalid_value, whole
from orchestrator.scenario.server import Section

MOST_PERCENT = 10_000
_PERCENT = r"[0-9]{1,6}(?:\.[0-9]{1,6})?%"


def _check_budget(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise invalid_value(f"{value} has no unit; write {value}%, a number of percent")
    if not isinstance(value, str) or not re.fullmatch(_PERCENT, value):
        shown = quote(value) if isinstance(value, str) else describe(value)
        raise invalid_value(f"{shown}; write a share, e.g. 20%")
    if _share(value) > MOST_PERCENT / 100:
        message = f"{quote(value)} is out of range; allowed: 0% to {MOST_PERCENT}%"
        raise invalid_value(message)
    return value


def _share(written: str) -> float:
    return float(written.removesuffix("%")) / 100


def _check_backoff(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise invalid_value(f"{value} has no unit; write {FORMS}")
    if not isinstance(value, str):
        raise invalid_value(f"{describe(value)}; write {FORMS}")
    try:
        backoff = parse_backoff(value)
    except BackoffError as error:
        raise invalid_value(str(error)) from None
    if max(backoff.first_s, backoff.most_s or 0.0) > parse_duration_s(MAX_DURATION):
        raise invalid_value(f"{quote(value)} is out of range; allowed: at most {MAX_DURATION}")
    return value


_Budget = Annotated[
    str,
    BeforeValidator(
        _check_budget, json_schema_input_type=Annotated[str, Field(pattern=f"^{_PERCENT}$")]
    ),
]
_Pause = Annotated[
    str,
    BeforeValidator(
        _check_backoff,
        json_schema_input_type=Annotated[str, Field(pattern=rf"^(?:{DURATION}|doubling\(.+\))$")],
    ),
]


class Retry(Section):
    """How often a message that timed out is sent again; see `labkit.workload.retries`."""

    attempts: Annotated[int, whole(1, 100)] = 3
    budget: _Budget | None = None
    backoff: _Pause = "0ms"

    def terms(self) -> dict[str, Any]:
        """Return the terms of an order."""
        return {
            "attempts": self.attempts,
            "retry_budget": None if self.budget is None else _share(self.budget),
            "backoff": self.backoff,
        }
