"""``tuned(utilization=70%)``: a mean think time that is not written, but found by the twin.

It stands for the mean: alone as a constant think time, or in a distribution,
``exponential(tuned(utilization=70%))``. `orchestrator.twin.tuning` finds it for each case.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from orchestrator.measures.hints import quote
from orchestrator.scenario.fields import LAW, check_law, invalid_value

LEAST, MOST = 0.01, 0.99
"""The shares of the time for which workers may be asked to be busy."""

FORM = "tuned(utilization=70%)"
_WORD = "tuned"
_TUNED = re.compile(r"tuned\( *utilization *= *([0-9]{1,3}(?:\.[0-9]{1,6})?)% *\)")
_TWO_DURATIONS = "bimodal"
_ANY = "1s"  # a mean that every distribution allows


def tuned_share(think_time: str) -> float | None:
    """Return the utilization that a think time is tuned to, None if its mean is written."""
    found = _TUNED.search(think_time)
    return float(found[1]) / 100 if found else None


def with_mean(think_time: str, mean: str) -> str:
    """Return a think time with the duration ``mean`` in place of ``tuned(...)``."""
    return _TUNED.sub(mean, think_time)


def any_mean(think_time: str) -> str:
    """Return a distribution of the same kind, for questions that do not depend on its mean."""
    return with_mean(think_time, _ANY)


def _check(value: object) -> str:
    if not isinstance(value, str) or _WORD not in value:
        return check_law(value)
    share = tuned_share(value)
    if share is None or any_mean(value).count(_WORD) or len(_TUNED.findall(value)) > 1:
        form = f"write {FORM} once, alone or as a mean: exponential({FORM})"
        raise invalid_value(f"{quote(value)} is not a think time; {form}")
    if not LEAST <= share <= MOST:
        allowed = f"allowed: {LEAST:.0%} to {MOST:.0%}"
        raise invalid_value(f"a utilization of {100 * share:g}% is out of range; {allowed}")
    if value.startswith(_TWO_DURATIONS):
        raise invalid_value(f"{_TWO_DURATIONS} has two durations, and {FORM} is one mean")
    check_law(any_mean(value))
    return value


_WRITTEN = Annotated[str, Field(pattern=rf"^(?:{LAW}|{_WORD}\(.+\))$")]

ThinkTime = Annotated[str, BeforeValidator(_check, json_schema_input_type=_WRITTEN)]
"""A distribution, of which the mean may be tuned; kept as it is written."""
