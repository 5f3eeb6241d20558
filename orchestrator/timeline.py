"""The faults of one run, carried out when they are due, noted, and reverted whatever happens."""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestrator.backends.base import BackendError
from orchestrator.backends.served import Server
from orchestrator.deeds import DEEDS
from orchestrator.scenario.faults import KILL_WORKER, Fault

FAULTS_FILE = "faults.json"
NS_PER_S = 1_000_000_000
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


class Timeline:
    """Carries out ``faults`` on ``server``, from `begin` on until it is left.

    What takes place is told as it does, from a thread of its own.
    """

    def __init__(
        self, faults: Sequence[Fault], server: Server, seed: int, tell: Callable[[str], None]
    ) -> None:
        self._faults = faults
        self._server = server
        self._tell = tell
        self._random = random.Random(f"{seed}/faults")  # noqa: S311 a choice, no secret
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults")
        self._start_ns = 0
        self._records: list[FaultRecord] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Let no fault begin any more, and end those that last."""
        self._is_over.set()
        if self.is_running:
            self._thread.join()

    @property
    def is_running(self) -> bool:
        """Whether a fault is still to come or to end."""
        return self._thread.is_alive()

    def begin(self, start_ns: int) -> None:
        """Count from ``start_ns``, the common start of the load."""
        self._start_ns = start_ns
        self._records = [
            FaultRecord(fault.fault, start_ns + round(fault.at_s * NS_PER_S))
            for fault in self._faults
        ]
        if self._faults:
            self._thread.start()

    def store(self, folder: Path) -> None:
        """Write what became of the faults beside the case's logs."""
        told = json.dumps([asdict(record) for record in self._records], indent=1)
        (folder / FAULTS_FILE).write_text(told + "\n", encoding="utf-8")

    def _run(self) -> None:
        """Do and undo, in the order of time; what lasts beyond the load ends with it."""
        turns = sorted(
            (at_s, number, is_end)
            for number, fault in enumerate(self._faults)
            for at_s, is_end in (
                [(fault.at_s, False), (fault.end_s, True)] if fault.lasts else [(fault.at_s, False)]
            )
        )
        for at_s, number, is_end in turns:
            if self._wait_for(at_s):
                break
            self._revert(number) if is_end else self._do(number)
        for number, fault in enumerate(self._faults):
            if fault.lasts:
                self._revert(number)

    def _wait_for(self, at_s: float) -> bool:
        """Wait for an instant; tell whether the load was over first."""
        due_ns = self._start_ns + round(at_s * NS_PER_S)
        return self._is_over.wait(max(due_ns - time.monotonic_ns(), 0) / NS_PER_S)

    def _do(self, number: int) -> None:
        fault, record = self._faults[number], self._records[number]
        try:
            if fault.fault == KILL_WORKER:
                record.worker = self._choose_worker(fault)
                fault = fault.model_copy(update={"worker": record.worker})
            DEEDS[fault.fault].do(self._server, fault)
        except (BackendError, OSError) as exc:
            record.error = str(exc)
        else:
            record.effect_ns, record.error = time.monotonic_ns(), ""
        self._tell(f"{fault.fault}: {record.error}" if record.error else fault.fault)

    def _choose_worker(self, fault: Fault) -> int:
        if isinstance(fault.worker, int):
            return fault.worker
        return self._random.choice(self._server.workers())

    def _revert(self, number: int) -> None:
        fault, record = self._faults[number], self._records[number]
        undo = DEEDS[fault.fault].undo
        if undo is None or record.effect_ns is None or record.reverted_ns is not None:
            return
        record.ending_ns = time.monotonic_ns()
        try:
            undo(self._server, fault)
        except (BackendError, OSError) as exc:
            record.error = f"it could not be ended: {exc}"
        else:
            record.reverted_ns = time.monotonic_ns()
            self._tell(f"{fault.fault} is over")


def read_faults(folder: Path) -> tuple[FaultRecord, ...]:
    """Return what became of the faults of a case, none where it had none."""
    path = folder / FAULTS_FILE
    if not path.exists():
        return ()
    return tuple(FaultRecord(**each) for each in json.loads(path.read_text(encoding="utf-8")))
