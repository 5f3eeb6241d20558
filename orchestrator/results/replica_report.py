"""What a replica reports of itself, checked against a schema with bounds.

A replica shares its network with the server that is measured, so its report is not trusted: a
number that is not finite, or that no load can produce, must not reach a figure.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labkit.clock import MOST_CHARACTERS, MOST_NS
from labkit.wire.samples import FAILURES

MESSAGE_COUNTS = ("sent", "acked", "failed", "unsent", "in_flight", "retries")
NOT_IN_OLD = frozenset({"retries"})
"""The counts that older results lack, and which are 0 then."""

MOST_REPLICAS = 65_535
MOST_BYTES = 2**36
"""Of one table of samples."""

Count = Annotated[int, Field(ge=0, le=2**40)]
Instant = Annotated[int, Field(ge=0, le=2**62)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=1000)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class ClockReport(_Strict):
    """The CLOCK_MONOTONIC of a replica; see `labkit.clock.Clock`."""

    boot_id: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
    offset_ns: Annotated[int, Field(ge=-MOST_NS, le=MOST_NS)]


class HealthReport(_Strict):
    """The health of a replica; see `orchestrator.results.client_samples.ReplicaHealth`."""

    cpu_s: Seconds
    wall_s: Seconds
    lag_p50_ns: Instant | None
    lag_p99_ns: Instant | None
    lag_max_ns: Instant | None
    lags: Count
    gc_pauses: Count
    gc_pause_s: Seconds
    throttled_periods: Count | None = None
    run_delay_s: Seconds | None = None


class ReplicaReport(_Strict):
    """A result as the conductor forwards it, without the two tables that follow it.

    Older results lack some failures and retries, each of which is 0 then, the clock and the start.
    """

    replica: Annotated[int, Field(ge=0, le=MOST_REPLICAS)]
    start_ns: Instant | None = None
    first_connect_ns: Instant
    end_ns: Instant
    planned: Count | None
    books: Annotated[dict[Text, Count], Field(max_length=20)]
    errors: Annotated[dict[Text, Count], Field(max_length=2 * len(FAILURES))]
    health: HealthReport
    clock: ClockReport | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Messages by outcome."""
        return {name: self.books.get(name, 0) for name in MESSAGE_COUNTS}


class ReportError(ValueError):
    """A report is not one; the message names the field."""


def read_report(report: Mapping[str, Any]) -> ReplicaReport:
    """Return the checked fields of ``report``.

    Raises:
        ReportError: a field is missing, of the wrong type or out of bounds.
    """
    try:
        found = ReplicaReport.model_validate(report)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"])
        raise ReportError(f"{place}: {first['msg']}") from exc
    needed = [name for name in MESSAGE_COUNTS if name not in NOT_IN_OLD]
    if missing := [name for name in needed if name not in found.books]:
        raise ReportError(f"books.{missing[0]}: Field required")
    return found
