"""A replica's report is checked before any figure is computed from it."""

from typing import Any

import pytest

from labkit.wire.samples import FAILURES
from orchestrator.results.replica_report import (
    MESSAGE_COUNTS,
    NOT_IN_OLD,
    ClockReport,
    ReportError,
    read_report,
)

HEALTH = {
    "cpu_s": 0.1, "wall_s": 1, "lags": 0, "lag_p50_ns": None, "lag_p99_ns": 5,
    "lag_max_ns": None, "gc_pauses": 0, "gc_pause_s": 0.0, "throttled_periods": 0,
}  # fmt: skip
REPORT: dict[str, Any] = {
    "replica": 3,
    "first_connect_ns": 100,
    "end_ns": 200,
    "planned": None,
    "books": dict.fromkeys(MESSAGE_COUNTS, 1),
    "errors": dict.fromkeys(FAILURES, 0),
    "health": HEALTH,
    "host": "there",
}
HOSTILE = ["abc", "1", True, None, -1, 2.5, 10**400, float("nan"), float("inf"), [], {}, [[]]]


def test_a_report_of_a_replica_is_read() -> None:
    found = read_report(REPORT)
    assert (found.replica, found.planned, found.health.wall_s) == (3, None, 1.0)
    assert found.counts == dict.fromkeys(MESSAGE_COUNTS, 1)


def test_older_reports_lack_a_field_of_health_and_some_failures() -> None:
    health = {name: value for name, value in HEALTH.items() if name != "throttled_periods"}
    found = read_report({**REPORT, "health": health, "errors": {"reset": 2}})
    assert found.health.throttled_periods is None
    assert found.errors.get("refused", 0) == 0
    books = {name: 1 for name in MESSAGE_COUNTS if name not in NOT_IN_OLD}
    assert read_report({**REPORT, "books": books}).counts == {**books, "retries": 0}


def test_the_clock_of_a_replica_is_kept_and_bounded() -> None:
    assert read_report(REPORT).clock is None
    clock: dict[str, Any] = {"boot_id": "b00t", "offset_ns": -5}
    assert read_report({**REPORT, "clock": clock}).clock == ClockReport(**clock)
    for name, wrong in (("boot_id", ""), ("offset_ns", 2**63), ("offset_ns", True)):
        with pytest.raises(ReportError, match=rf"clock\.{name}"):
            read_report({**REPORT, "clock": {**clock, name: wrong}})


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("field", ["replica", "first_connect_ns", "end_ns", "books", "health"])
def test_a_field_that_is_out_of_bounds_is_named(field: str, value: object) -> None:
    with pytest.raises(ReportError, match=field):
        read_report({**REPORT, field: value})


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("place", [("books", "acked"), ("errors", "reset"), ("health", "lags")])
def test_a_count_that_is_out_of_bounds_is_named(place: tuple[str, str], value: object) -> None:
    part, name = place
    with pytest.raises(ReportError, match=rf"{part}\.{name}"):
        read_report({**REPORT, part: {**REPORT[part], name: value}})


@pytest.mark.parametrize("value", ["abc", float("nan"), float("inf"), -1, True, None, 10**400])
def test_a_duration_that_is_none_is_named(value: object) -> None:
    with pytest.raises(ReportError, match=r"health\.wall_s"):
        read_report({**REPORT, "health": {**HEALTH, "wall_s": value}})


@pytest.mark.parametrize("name", [each for each in MESSAGE_COUNTS if each not in NOT_IN_OLD])
def test_a_count_that_is_missing_is_named(name: str) -> None:
    books = {each: 1 for each in MESSAGE_COUNTS if each != name}
    with pytest.raises(ReportError, match=f"{name}: Field required"):
        read_report({**REPORT, "books": books})
