"""Which clock CLOCK_MONOTONIC is in this process, so that instants of two programs can be compared.

A kernel has one from its boot on, and a time namespace adds an offset to it (time_namespaces(7)).
Two programs have the same clock if both boot and offset are equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
OFFSETS = Path("/proc/self/timens_offsets")
NAMESPACE = Path("/proc/self/ns/time")
NAMESPACE_OF_CHILDREN = Path("/proc/self/ns/time_for_children")
NS_PER_S = 1_000_000_000
MOST_CHARACTERS = 64
MOST_NS = 2**62


class ClockError(ValueError):
    """What another program reports is no clock; the message names the field."""


@dataclass(frozen=True)
class Clock:
    """A CLOCK_MONOTONIC: the boot of its kernel, and how far it is ahead of the kernel's, in ns."""

    boot_id: str
    offset_ns: int

    @classmethod
    def read(cls, fields: object) -> "Clock | None":
        """Return the clock that another program reports, None if it knows none.

        Raises:
            ClockError: ``fields`` are neither a clock nor None.
        """
        if fields is None:
            return None
        if not isinstance(fields, Mapping):
            raise ClockError(f"not a clock: {fields!r:.80}")
        boot_id, offset_ns = fields.get("boot_id"), fields.get("offset_ns")
        if not isinstance(boot_id, str) or not 0 < len(boot_id) <= MOST_CHARACTERS:
            raise ClockError(f"the boot_id of a clock is {boot_id!r:.80}")
        if type(offset_ns) is not int or abs(offset_ns) > MOST_NS:
            raise ClockError(f"the offset_ns of a clock is {offset_ns!r:.80}")
        return cls(boot_id, offset_ns)


def own_clock() -> Clock | None:
    """Return the clock of this process; None if the kernel, or a sandbox, does not report it."""
    try:
        boot_id = BOOT_ID.read_text(encoding="ascii").strip()
        offset_ns = _own_offset_ns()
    except (OSError, ValueError):
        return None
    return Clock(boot_id, offset_ns) if boot_id and offset_ns is not None else None


def own_clock_fields() -> dict[str, str | int] | None:
    """Return the clock of this process for a message or an event, as `Clock.read` reads it."""
    clock = own_clock()
    return None if clock is None else {"boot_id": clock.boot_id, "offset_ns": clock.offset_ns}


def _own_offset_ns() -> int | None:
    """Return the offset of this process's time namespace, None if it is not known.

    The file has that of the namespace of the children, which is this one's unless the process has
    called unshare(2) itself. Before Linux 5.6 there is neither file nor offset.
    """
    if not OFFSETS.exists():
        return 0
    if NAMESPACE.readlink() != NAMESPACE_OF_CHILDREN.readlink():
        return None
    return read_offset_ns(OFFSETS.read_text(encoding="ascii"))


def read_offset_ns(offsets: str) -> int:
    """Return the offset of CLOCK_MONOTONIC in the text of ``timens_offsets``, in ns.

    Raises:
        ValueError: there is none in it.
    """
    for line in offsets.splitlines():
        name, *numbers = line.split()
        if name in {"monotonic", "1"}:  # by its number before Linux 5.9
            seconds, nanoseconds = map(int, numbers)
            return seconds * NS_PER_S + nanoseconds
    raise ValueError(f"no offset of the monotonic clock in {offsets!r:.80}")
