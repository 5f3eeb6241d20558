"""Reads what a case left in its folder, and proves it complete or says what is missing.

A case's folder holds ``case.json`` (what ran and how it ended), ``clients.json`` (what each
replica says of itself), a file of samples for each replica, and every program's log.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from labkit.samples import FAILURES, OUTCOMES, request_id, unpack
from orchestrator.archive import CLIENTS

BOOKS = ("sent", "acked", "failed", "unsent", "in_flight")

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


@dataclass(frozen=True, slots=True)
class Sample:
    """A message that a client sent, as that client saw it; see `labkit.samples.Row`."""

    request: str
    user: int
    message: int
    outcome: str
    due_ns: int
    sent_ns: int
    ended_ns: int


@dataclass(frozen=True)
class ClientRun:
    """What all replicas of a case did together.

    ``start_ns`` is the common start, ``end_ns`` when the last message's fate was known, and
    ``started_ns`` when each replica really began. ``books`` add up messages by what became of
    them, ``errors`` users by the kind of failure that ended them.
    """

    start_ns: int
    end_ns: int
    started_ns: tuple[int, ...]
    samples: tuple[Sample, ...]
    books: Mapping[str, int]
    errors: Mapping[str, int]
    gaps: tuple[str, ...]


def read_client_run(folder: Path) -> ClientRun:
    """Return what the replicas of a case reported, and where their samples are not all there."""
    told = json.loads((folder / CLIENTS).read_text(encoding="utf-8"))
    samples: list[Sample] = []
    gaps: list[str] = []
    for replica in told["replicas"]:
        rows = _read_samples(folder / replica["samples"], replica["replica"])
        samples += rows
        if len(rows) != replica["books"]["sent"]:
            gaps.append(
                f"{replica['samples']} holds {len(rows)} of {replica['books']['sent']} samples"
            )
    return ClientRun(
        start_ns=told["start_ns"],
        end_ns=max(replica["end_ns"] for replica in told["replicas"]),
        started_ns=tuple(replica["first_connect_ns"] for replica in told["replicas"]),
        samples=tuple(samples),
        books={name: sum(r["books"][name] for r in told["replicas"]) for name in BOOKS},
        errors={kind: sum(r["errors"][kind] for r in told["replicas"]) for kind in FAILURES},
        gaps=tuple(gaps),
    )


def _read_samples(path: Path, replica: int) -> list[Sample]:
    return [
        Sample(
            request=request_id(replica, row.user, row.message),
            user=row.user,
            message=row.message,
            outcome=OUTCOMES[row.outcome],
            due_ns=row.due_ns,
            sent_ns=row.sent_ns,
            ended_ns=row.ended_ns,
        )
        for row in unpack(path.read_bytes())
    ]


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
