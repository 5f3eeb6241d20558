"""The faults of one run as they took place: the record of each, and its file."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path



FAULTS_FILE = "faults.json"


TOO_LATE = "the load was over before it was due"


@dataclass
class FaultRecord:
    """What became of a fault: instants of CLOCK_MONOTONIC, None for what never came about.

    ``asked_ns`` is when it was due, ``effect_ns`` when it had been done, ``ending_ns`` when its end
    was begun and ``reverted_ns`` when that had been done: it was surely in effect between the
    second and the third. ``error`` says why it could not be done, empty if it was.
    """

    fault: str
    asked_ns: int
    effect_ns: int | None = None
    ending_ns: int | None = None
    reverted_ns: int | None = None
    worker: int | None = None
    error: str = TOO_LATE


def read_faults(folder: Path) -> tuple[FaultRecord, ...]:
    """Return what became of the faults of a case, none where it had none."""
    path = folder / FAULTS_FILE
    if not path.exists():
        return ()
    return tuple(FaultRecord(**each) for each in json.loads(path.read_text(encoding="utf-8")))


def write_faults(records: Iterable[FaultRecord], folder: Path) -> None:
    """Write what became of the faults of a case beside its logs."""
    text = json.dumps([asdict(record) for record in records], indent=1)
    (folder / FAULTS_FILE).write_text(text + "\n", encoding="utf-8")
