"""The faults of one run, carried out when they are due, noted, and reverted whatever happens.

What each kind of fault does to a server, and how that is undone.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from faultproxy.toxics import TOXICS
from orchestrator.execution.backend import BackendError, Server
from orchestrator.results.fault_log import FaultRecord, write_faults
from orchestrator.scenario.faults import (
    CPU_LIMIT,
    DISCONNECT,
    FILL_BACKLOG,
    KILL,
    KILL_WORKER,
    PAUSE,
    TERMINATE,
    Fault,
)

NS_PER_S = 1_000_000_000


class FaultInjector:
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
        write_faults(self._records, folder)

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


class Deed(NamedTuple):
    """What to do, and what ends it where the fault lasts; whom and how many is decided by then."""

    do: Callable[[Server, Fault], None]
    undo: Callable[[Server, Fault], None] | None = None


TOXIC = Deed(
    lambda server, fault: server.toxics.add(fault.toxic),
    lambda server, fault: server.toxics.lift(fault.toxic["name"]),
)

DEEDS: Mapping[str, Deed] = {
    PAUSE: Deed(lambda server, _: server.pause(), lambda server, _: server.resume()),
    KILL_WORKER: Deed(lambda server, fault: server.kill_worker(int(fault.worker or 0))),
    TERMINATE: Deed(
        lambda server, _: server.stop(is_killed=False), lambda server, _: server.restart()
    ),
    KILL: Deed(lambda server, _: server.stop(is_killed=True), lambda server, _: server.restart()),
    CPU_LIMIT: Deed(
        lambda server, fault: server.limit_cpus(fault.cpus),
        lambda server, _: server.limit_cpus(None),
    ),
    DISCONNECT: Deed(lambda server, _: server.disconnect(), lambda server, _: server.reconnect()),
    FILL_BACKLOG: Deed(
        lambda server, fault: server.crowd(fault.crowd or 0, fault.lasts_s),
        lambda server, _: server.disperse(),
    ),
    **dict.fromkeys(TOXICS, TOXIC),
}
