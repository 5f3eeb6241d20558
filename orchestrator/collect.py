"""Reads what a case left in its folder, and proves it complete or says what is missing."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Event: TypeAlias = Mapping[str, Any]
SHOWN_BYTES = 80


@dataclass(frozen=True)
class ServerLog:
    """The server's events in the order written, and why they cannot be all, if they cannot."""

    events: tuple[Event, ...]
    gaps: tuple[str, ...]

    def of(self, name: str) -> list[Event]:
        """Return the events called ``name``."""
        return [event for event in self.events if event["event"] == name]

    def first(self, name: str) -> Event | None:
        """Return the first event called ``name``, None where there is none."""
        return next(iter(self.of(name)), None)


def read_server_log(path: Path) -> ServerLog:
    """Return the events of a JSON event log and the gaps in it.

    The last line, ``stopped``, counts every event; a log is complete where the counts agree.
    """
    events: list[Event] = []
    gaps: list[str] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        event = _event(line)
        if event is None:
            gaps.append(f"{path.name}:{number} is no event: {line[:SHOWN_BYTES]!r}")
        else:
            events.append(event)
    return ServerLog(tuple(events), (*gaps, *_missing(events, path.name)))


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    is_event = isinstance(event, dict) and isinstance(event.get("event"), str)
    return event if is_event else None


def _missing(events: list[Event], name: str) -> list[str]:
    if not events or events[-1]["event"] != "stopped":
        return [f"{name} does not end with the event stopped"]
    seen = Counter(event["event"] for event in events)
    counted: Mapping[str, int] = events[-1]["counts"]
    return [
        f"{name} holds {seen[event]} of {counted.get(event, 0)} events {event}"
        for event in sorted({*seen, *counted})
        if seen[event] != counted.get(event, 0)
    ]
