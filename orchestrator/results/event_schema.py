"""What each event of a server's log must contain, with bounds.

A server is what is measured, so its log is not trusted. Fields that the analysis does not use are
neither checked nor kept.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from labkit.clock import Clock, ClockError
from labkit.server.events import EVENTS

Check: TypeAlias = Callable[[object], bool]

MOST_NS = 2**63 - 1
MOST_WORKERS = 65_535
MOST_BYTES = 2**62
MOST_CPU_S = 1e9
MOST_CHARACTERS = 256
MOST_SHOWN_BITS = 64
MOST_NAMES = 64
"""Names of events in one log that are not the lab's."""


class EventError(ValueError):
    """A line is not an event; the message names the field."""


def is_whole(value: object, most: int) -> bool:
    """Whether ``value`` is an integer from 0 to ``most``; a bool is none."""
    return type(value) is int and 0 <= value <= most


def is_number(value: object, most: float) -> bool:
    """Whether ``value`` is a finite number from 0 to ``most``; a bool is none."""
    return type(value) in (int, float) and 0 <= value <= most and math.isfinite(value)  # type: ignore[operator,arg-type]


def _whole(most: int) -> Check:
    return lambda value: is_whole(value, most)


def _is_cpu_s(value: object) -> bool:
    return is_number(value, MOST_CPU_S)


def is_text(value: object) -> bool:
    """Whether ``value`` is a text of a bounded length."""
    return isinstance(value, str) and len(value) <= MOST_CHARACTERS


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_clock(value: object) -> bool:
    try:
        Clock.read(value)
    except ClockError:
        return False
    return True


def _are_counts(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) <= len(EVENTS) + MOST_NAMES
        and all(is_text(name) and is_whole(count, MOST_NS) for name, count in value.items())
    )


ALWAYS: Mapping[str, Check] = {"t_ns": _whole(MOST_NS)}

REQUIRED: Mapping[str, Mapping[str, Check]] = {
    "listening": {"workers": _whole(MOST_WORKERS)},
    "worker_exited": {"index": _whole(MOST_WORKERS), "peak_memory_bytes": _whole(MOST_BYTES)},
    "listener_closed": {
        "index": _whole(MOST_WORKERS),
        "accept_queue_reset": _whole(MOST_BYTES),
        "accept_queue_migrated": _whole(MOST_BYTES),
    },
    "stopped": {
        "cpu_user_s": _is_cpu_s,
        "cpu_system_s": _is_cpu_s,
        "peak_memory_bytes": _whole(MOST_BYTES),
    },
}
"""The fields of events that belong to no connection, besides `ALWAYS`."""

OPTIONAL: Mapping[str, Mapping[str, Check]] = {
    "listening": {
        "cpu_user_s": _is_cpu_s,
        "cpu_system_s": _is_cpu_s,
        "python": is_text,
        "interpreter_lock": _is_flag,
        "clock": _is_clock,
    },
    "drain_begun": {"accept_queue_reset": _whole(MOST_BYTES), "signal": is_text},
    "worker_started": {"index": _whole(MOST_WORKERS)},
    "worker_exited": {"reason": is_text},
    "stopped": {"counts": _are_counts, "reason": is_text, "interpreter_lock": _is_flag},
}
"""Those which an event may lack."""


def checked(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``event``, which belongs to no connection, with the fields that are used.

    Raises:
        EventError: a field is missing or out of bounds.
    """
    name = event["event"]
    if not is_text(name):
        raise EventError(f"event is {shown(name)}")
    kept = {"event": name}
    for field, check in {**ALWAYS, **REQUIRED.get(name, {}), **OPTIONAL.get(name, {})}.items():
        if field in event:
            if not check(event[field]):
                raise EventError(f"{field} is {shown(event[field])}")
            kept[field] = event[field]
        elif field not in OPTIONAL.get(name, {}):
            raise EventError(f"{field} is missing")
    return kept


def shown(value: object) -> str:
    """Return ``value`` for a message: short, in ASCII, and without work on a huge one."""
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'mapping'}"
    if isinstance(value, int) and value.bit_length() > MOST_SHOWN_BITS:
        return f"a number of {value.bit_length()} bits"
    return ascii(value[:40] if isinstance(value, str) else value)
