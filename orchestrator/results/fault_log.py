"""The faults of one run as they took place: a record of each, in ``faults.json``."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.results.archive import write_whole

FAULTS_FILE = "faults.json"
TOO_LATE = "the load was over before it was due"


@dataclass
class FaultRecord:
    """What happened to a fault: instants of CLOCK_MONOTONIC, None if they were never reached.

    ``asked_ns`` is when it was due, ``effect_ns`` when it had been injected, ``ending_ns`` when its
    reversal began and ``reverted_ns`` when that was complete: it was in effect at least between the
    second and the third. ``error`` says why it could not be injected or reverted, else empty.
    """

    fault: str
    asked_ns: int
    effect_ns: int | None = None
    ending_ns: int | None = None
    reverted_ns: int | None = None
    worker: int | None = None
    error: str = TOO_LATE


def read_faults(folder: Path) -> tuple[FaultRecord, ...]:
    """Return the records of the faults of a case, empty if it had none."""
    path = folder / FAULTS_FILE
    if not path.exists():
        return ()
    return tuple(FaultRecord(**each) for each in json.loads(path.read_text(encoding="utf-8")))


def write_faults(records: Iterable[FaultRecord], folder: Path) -> None:
    """Write the records of a case's faults into its folder."""
    text = json.dumps([asdict(record) for record in records], indent=1)
    write_whole(folder / FAULTS_FILE, text + "\n")
