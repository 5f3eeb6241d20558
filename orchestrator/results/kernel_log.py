"""Reads `kernel.ndjson`, what the probe recorded of a server, and notes what is missing.

Each line is one sample of the probe, a look (docs/results.md). No measures are computed here.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from orchestrator.results.archive import KERNEL
from orchestrator.results.event_schema import MOST_NS, is_number, is_text, is_whole
from orchestrator.results.strict_json import read_lines, read_object
from orchestrator.results.tables import Table

MOST_BYTES = 2**28
MOST_REASON = 1000
TEXTS = frozenset({"event", "reason", "network", "accept_queue_source"})
WHOLE = frozenset({"t_ns", "accept_queue", "accept_queue_limit"})
TAIL_BYTES = 8192
"""More than two lines of the probe."""

Look: TypeAlias = Mapping[str, Any]

ACCEPT_QUEUE = np.dtype([("at_ns", "<u8"), ("length", "<u8"), ("limit", "<u8")])
"""``limit`` is the backlog of `listen`, as limited by the kernel; 0 if unknown."""

GROUPS = {
    "accept_queue": "the accept queue's depth",
    "counters": "overflows, drops and retransmits",
    "usage": "CPU time, context switches, processes and threads",
    "run_delay": "how long the server waited for a CPU",
    "descriptors": "descriptors",
    "memory": "memory by PSS",
    "throttling": "throttling",
}
"""What the probe reads together, for messages."""

SHARED_NETWORK = (
    "overflows, drops and retransmits are those of the whole host, whose network the server shares"
)
AFTER_LAST_LOOK = "the kernel's figures do not contain what it did after the last look"


@dataclass(frozen=True)
class KernelLog:
    """What a probe recorded, in the order of time.

    ``looks`` are the complete samples; the accept queue is sampled more often, and each of
    ``lines`` has the probe's CPU time so far. A note says what is missing and why, or what else a
    figure includes; a gap, which lines are not samples of a probe.
    """

    looks: tuple[Look, ...] = ()
    lines: tuple[Look, ...] = ()
    accept_queue: Table = field(default_factory=lambda: np.empty(0, dtype=ACCEPT_QUEUE))
    notes: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def read_kernel_log(folder: Path) -> KernelLog:
    """Return what the probe wrote into a case's folder; if there was none, a note."""
    path = folder / KERNEL
    if not path.is_file():
        return KernelLog(notes=("no kernel figures: there was no probe",))
    lines, wrong = _read(path)
    complaint = _last_line(path.with_suffix(".stderr"))
    return KernelLog(
        looks=tuple(line for line in lines if line["event"] == "looked"),
        lines=tuple(lines),
        accept_queue=_accept_queue(lines),
        notes=tuple(_notes(lines, complaint)),
        gaps=tuple(_gaps(lines, wrong)),
    )


def last_depth(folder: Path) -> int | None:
    """Return the accept queue's depth at the last sample of a running case, None if unknown."""
    try:
        with (folder / KERNEL).open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
            tail = file.read()
    except OSError:
        return None
    lines = filter(None, map(_look, tail.splitlines()))
    depths = [line["accept_queue"] for line in lines if "accept_queue" in line]
    return int(depths[-1]) if depths else None


def _read(path: Path) -> tuple[list[Look], int]:
    """Return the samples in the order of time, and how many lines are not one."""
    looks: list[Look] = []
    wrong = 0
    for _, line in read_lines(path, MOST_BYTES):
        look = _look(line)
        if look is None or (looks and look["t_ns"] < looks[-1]["t_ns"]):
            wrong += 1
        else:
            looks.append(look)
    return looks, wrong


def _look(line: bytes) -> Look | None:
    """Return the sample in a line, None if there is none: it is partial, or out of bounds."""
    try:
        look = read_object(line)
    except ValueError:
        return None
    is_end = look.get("event") == "ended"
    if is_end and not ("unread" in look and "reason" in look):
        return None
    has_both = ("cpu_user_s" in look) == ("cpu_system_s" in look)  # read together
    is_look = "t_ns" in look and "event" in look and has_both
    return look if is_look and all(_fits(*field) for field in look.items()) else None


def _fits(name: str, value: object) -> bool:
    if name in WHOLE:
        return is_whole(value, MOST_NS)
    if name == "unread":
        return isinstance(value, Mapping) and all(is_text(each) for each in value.values())
    return is_text(value) if name in TEXTS else is_number(value, MOST_NS)


def _gaps(lines: Sequence[Look], wrong: int) -> Iterator[str]:
    """Yield that lines are no samples; each probe that was cut off may leave a partial one."""
    begun, ended = (sum(each["event"] == name for each in lines) for name in ("begun", "ended"))
    if wrong > max(begun - ended, 1):
        yield f"{KERNEL}: lines that are not samples of a probe: {wrong}"


def _accept_queue(lines: Sequence[Look]) -> Table:
    rows = [
        (line["t_ns"], line["accept_queue"], line.get("accept_queue_limit", 0))
        for line in lines
        if "accept_queue" in line
    ]
    return np.array(rows, dtype=ACCEPT_QUEUE)


def _notes(lines: Sequence[Look], complaint: str) -> Iterator[str]:
    ends = [line for line in lines if line["event"] == "ended"]
    if not any(line["event"] == "looked" for line in lines):
        yield f"no kernel figures: {complaint or 'the probe wrote nothing'}"
        return
    for group, why in ends[-1]["unread"].items() if ends else ():
        yield f"not measured: {GROUPS.get(group, group)}: {why}"
    if len(ends) < sum(line["event"] == "begun" for line in lines):
        why = f" ({complaint})" if complaint else ""
        yield f"a probe was cut off{why}: {AFTER_LAST_LOOK}"
    if any(line["reason"] == "server_gone" for line in ends):
        yield f"the server ended under load: {AFTER_LAST_LOOK}"
    if lines[0].get("network") == "shared":
        yield SHARED_NETWORK


def _last_line(path: Path) -> str:
    lines = [line for _, line in read_lines(path, MOST_BYTES)] if path.exists() else []
    return lines[-1][:MOST_REASON].decode(errors="replace").strip() if lines else ""
