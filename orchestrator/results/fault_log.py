"""The faults of one run as they took place: a record of each, in ``faults.json``."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from orchestrator.results.archive import write_whole
from orchestrator.results.strict_json import to_json

FAULTS_FILE = "faults.json"
TOO_LATE = "the load was over before it was due"
FORESTALLED = f"did not take place: {TOO_LATE}"
"""What is said of a fault that was asked for by hand, and has no record therefore."""


Instant = Annotated[int, Field(ge=0, lt=1 << 63)]


@dataclass
class FaultRecord:
    """What happened to a fault: instants of CLOCK_MONOTONIC, None if they were never reached.

    ``asked_ns`` is when it was due, ``effect_ns`` when it had been injected, ``ending_ns`` when its
    reversal began and ``reverted_ns`` when that was complete: it was in effect at least between the
    second and the third. ``error`` says why it could not be injected or reverted, else empty.
    ``lasts_ns`` is how long it was to last, None if it has no end or its run is of an older
    version; ``is_cut`` is true if the load was over before that. ``toxic`` is what was asked of the
    fault proxy, and ``crowd`` how many connections of `fill-backlog`; None for other faults and in
    runs of older versions. ``is_by_hand``: a person asked for it during the run, so that it is not
    in the scenario.
    """

    fault: str
    asked_ns: Instant
    effect_ns: Instant | None = None
    ending_ns: Instant | None = None
    reverted_ns: Instant | None = None
    worker: int | None = None
    error: str = TOO_LATE
    lasts_ns: Instant | None = None
    is_cut: bool = False
    toxic: dict[str, Any] | None = None
    crowd: int | None = None
    is_by_hand: bool = False


_RECORDS = TypeAdapter(tuple[FaultRecord, ...], config=ConfigDict(strict=True, extra="forbid"))


def read_faults(folder: Path) -> tuple[FaultRecord, ...]:
    """Return the records of the faults of a case, empty if it had none.

    Raises:
        ValueError: the file does not hold such records.
    """
    path = folder / FAULTS_FILE
    if not path.exists():
        return ()
    try:
        return _RECORDS.validate_json(path.read_bytes())
    except ValidationError as exc:
        raise ValueError(f"{path} does not hold records of faults") from exc


def write_faults(records: Iterable[FaultRecord], folder: Path) -> None:
    """Write the records of a case's faults into its folder."""
    text = to_json([asdict(record) for record in records], indent=1)
    write_whole(folder / FAULTS_FILE, text + "\n")
