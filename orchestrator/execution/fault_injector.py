"""The faults of one run: injected when they are due, recorded, and reverted whatever happens.

`FAULT_ACTIONS` has what each kind of fault does to the server and how that is reverted.
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


class FaultAction(NamedTuple):
    """What a fault does, and what reverts it; by then its worker and its numbers are decided."""

    inject: Callable[[Server, Fault], None]
    revert: Callable[[Server, Fault], None] | None = None


TOXIC = FaultAction(
    lambda server, fault: server.toxics.add(fault.toxic),
    lambda server, fault: server.toxics.lift(fault.toxic["name"]),
)

FAULT_ACTIONS: Mapping[str, FaultAction] = {
    PAUSE: FaultAction(lambda server, _: server.pause(), lambda server, _: server.resume()),
    KILL_WORKER: FaultAction(lambda server, fault: server.kill_worker(int(fault.worker or 0))),
    TERMINATE: FaultAction(
        lambda server, _: server.stop(is_killed=False), lambda server, _: server.restart()
    ),
    KILL: FaultAction(
        lambda server, _: server.stop(is_killed=True), lambda server, _: server.restart()
    ),
    CPU_LIMIT: FaultAction(
        lambda server, fault: server.limit_cpus(fault.cpus),
        lambda server, _: server.limit_cpus(None),
    ),
    DISCONNECT: FaultAction(
        lambda server, _: server.disconnect(), lambda server, _: server.reconnect()
    ),
    FILL_BACKLOG: FaultAction(
        lambda server, fault: server.fill_backlog(fault.crowd or 0, fault.lasts_s),
        lambda server, _: server.release_backlog(),
    ),
    **dict.fromkeys(TOXICS, TOXIC),
}


class FaultInjector:
    """Injects ``faults`` into ``server``, from `begin` until the context ends.

    ``report`` is called with each injection and its end, from the injector's own thread.
    """

    def __init__(
        self, faults: Sequence[Fault], server: Server, seed: int, report: Callable[[str], None]
    ) -> None:
        self._faults = faults
        self._server = server
        self._report = report
        self._random = random.Random(f"{seed}/faults")  # noqa: S311 a choice, not a secret
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
        """Inject no more faults, and revert those that last."""
        self._is_over.set()
        if self.is_running:
            self._thread.join()

    @property
    def is_running(self) -> bool:
        """Whether a fault is still to be injected or reverted."""
        return self._thread.is_alive()

    def begin(self, start_ns: int) -> None:
        """Start; ``start_ns`` is the common start of the load."""
        self._start_ns = start_ns
        self._records = [
            FaultRecord(fault.fault, start_ns + round(fault.at_s * NS_PER_S))
            for fault in self._faults
        ]
        if self._faults:
            self._thread.start()

    def store(self, folder: Path) -> None:
        """Write the records of the faults into ``folder``."""
        write_faults(self._records, folder)

    def _run(self) -> None:
        """Inject and revert in the order of time; what lasts beyond the load ends with it."""
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
            self._revert(number) if is_end else self._inject(number)
        for number, fault in enumerate(self._faults):
            if fault.lasts:
                self._revert(number)

    def _wait_for(self, at_s: float) -> bool:
        """Wait until ``at_s``; return whether the load was over first."""
        due_ns = self._start_ns + round(at_s * NS_PER_S)
        return self._is_over.wait(max(due_ns - time.monotonic_ns(), 0) / NS_PER_S)

    def _inject(self, number: int) -> None:
        fault, record = self._faults[number], self._records[number]
        try:
            if fault.fault == KILL_WORKER:
                record.worker = self._choose_worker(fault)
                fault = fault.model_copy(update={"worker": record.worker})
            FAULT_ACTIONS[fault.fault].inject(self._server, fault)
        except (BackendError, OSError) as exc:
            record.error = str(exc)
        else:
            record.effect_ns, record.error = time.monotonic_ns(), ""
        self._report(f"{fault.fault}: {record.error}" if record.error else fault.fault)

    def _choose_worker(self, fault: Fault) -> int:
        if isinstance(fault.worker, int):
            return fault.worker
        return self._random.choice(self._server.workers())

    def _revert(self, number: int) -> None:
        fault, record = self._faults[number], self._records[number]
        revert = FAULT_ACTIONS[fault.fault].revert
        if revert is None or record.effect_ns is None or record.reverted_ns is not None:
            return
        record.ending_ns = time.monotonic_ns()
        try:
            revert(self._server, fault)
        except (BackendError, OSError) as exc:
            record.error = f"it could not be reverted: {exc}"
        else:
            record.reverted_ns = time.monotonic_ns()
            self._report(f"{fault.fault} is over")
