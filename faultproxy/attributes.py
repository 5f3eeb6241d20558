"""Types of a toxic's attributes: each reads a value from JSON and checks it."""

from collections.abc import Callable
from dataclasses import dataclass

from labkit.protocol.parsing import MAX_SHOWN, read_duration_s

MAX_BYTES = 1 << 40
MAX_KB_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Attribute:
    """``read`` raises ValueError; without a ``default`` the attribute is required."""

    read: Callable[[object], int | float]
    default: str | int | None = None


def duration_ns(default: str | None = None) -> Attribute:
    """Return an attribute that is a duration, as in ``50ms``; its value is in nanoseconds."""
    return Attribute(_read_duration_ns, default)


def rate_kb_per_s() -> Attribute:
    """Return an attribute that is a rate in kilobytes (1000 bytes) a second."""
    return Attribute(_read_rate)


def size_bytes() -> Attribute:
    """Return an attribute that is a number of bytes, at least one."""
    return Attribute(lambda value: _read_bytes(value, low=1))


def bytes_to_pass(default: int | None = None) -> Attribute:
    """Return an attribute that is a number of bytes, 0 included."""
    return Attribute(lambda value: _read_bytes(value, low=0), default)


def _read_duration_ns(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 the only error of a reader
            f"{shown(value)} is not a duration; write a number and a unit: us, ms, s, m"
        )
    return round(read_duration_s(value) * 1e9)


def _read_rate(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= MAX_KB_PER_S:  # type: ignore[operator]  # and not NaN
        raise ValueError(f"{shown(value)} is not a rate in kilobytes a second, over 0")
    return float(value)  # type: ignore[arg-type]


def _read_bytes(value: object, low: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= MAX_BYTES:
        raise ValueError(f"{shown(value)} is not a number of bytes from {low} to {MAX_BYTES}")
    return value


def shown(value: object) -> str:
    """Return ``value`` as quoted in an error message, shortened if it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
