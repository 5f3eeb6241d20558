"""The bounds of single fields; whole logs are in test_server_log.py."""

import pytest

from orchestrator.results.event_schema import (
    EventError,
    checked,
    is_number,
    is_text,
    is_whole,
    shown,
)


def test_bounds() -> None:
    assert is_whole(0, 5)
    assert is_whole(5, 5)
    assert not any(is_whole(value, 5) for value in (True, 6, -1, 2.0, "1", None, 10**5000))
    assert is_number(2.5, 5)
    assert not any(is_number(v, 5) for v in (True, "1", None, float("nan"), float("inf"), 10**400))
    assert is_text("a" * 256)
    assert not is_text("a" * 257)


def test_only_fields_that_are_used_are_kept() -> None:
    event = {"event": "listening", "t_ns": 5, "workers": 2, "huge": ["x"] * 9}
    assert checked(event) == {"event": "listening", "t_ns": 5, "workers": 2}


def test_the_cpu_time_of_a_start_is_kept_and_bounded() -> None:
    event = {"event": "listening", "t_ns": 5, "workers": 2, "cpu_user_s": 0.1, "cpu_system_s": 0}
    assert checked(event) == event
    with pytest.raises(EventError, match="cpu_user_s is -1"):
        checked(event | {"cpu_user_s": -1})


def test_the_interpreter_of_a_start_is_kept_and_bounded() -> None:
    event = {"event": "listening", "t_ns": 5, "workers": 2, "python": "3.13.5",
             "interpreter_lock": False}  # fmt: skip
    assert checked(event) == event
    with pytest.raises(EventError, match="interpreter_lock is 0"):
        checked(event | {"interpreter_lock": 0})
    with pytest.raises(EventError, match="python is a list"):
        checked(event | {"python": ["3.13"]})


def test_the_clock_of_a_start_is_kept_and_bounded() -> None:
    event = {"event": "listening", "t_ns": 5, "workers": 2}
    for known in ({"boot_id": "b00t", "offset_ns": -5}, None):
        assert checked(event | {"clock": known}) == event | {"clock": known}
    with pytest.raises(EventError, match="clock is a mapping"):
        checked(event | {"clock": {"boot_id": "b00t"}})


def test_a_missing_field_is_named() -> None:
    with pytest.raises(EventError, match="workers is missing"):
        checked({"event": "listening", "t_ns": 5})


def test_a_value_is_shown_in_short_and_in_ascii() -> None:
    assert shown("\x1b[2J\u202e" + "x" * 99) == ascii("\x1b[2J\u202e" + "x" * 35)
    assert shown(10**5000) == "a number of 16610 bits"
    assert shown([1] * 10**6) == "a list"
    assert shown({}) == "a mapping"
