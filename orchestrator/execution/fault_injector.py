"""The faults of one run: injected when they are due, recorded, and reverted whatever happens."""

import contextlib
import heapq
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from faultproxy.toxics import TOXICS
from orchestrator.execution.backend import BackendError, Server
from orchestrator.execution.background import outlast
from orchestrator.execution.fault_effects import DueFault, Effects, needs_preparation
from orchestrator.execution.interrupts import held
from orchestrator.results.fault_log import TOO_LATE, FaultRecord, write_faults
from orchestrator.scenario.fault_conflicts import fault_names, rules_out
from orchestrator.scenario.faults import ENDING, KILL_WORKER, Fault

NS_PER_S = 1_000_000_000
PREPARED_NS = 2 * NS_PER_S
"""How long before a fault is due that is started which it needs then."""

END, PREPARE, BEGIN = range(3)
"""The turns of a fault, in the order in which those of one instant are taken."""


class _Turn(NamedTuple):
    due_ns: int
    step: int
    number: int


class FaultInjector:
    """Injects ``faults`` into ``server``, from `begin` until the context ends.

    ``report`` is called with each injection and its end, from the injector's own thread.
    """

    def __init__(
        self, faults: Sequence[Fault], server: Server, seed: int, report: Callable[[str], None]
    ) -> None:
        self._faults = faults
        self._server = server
        self._effects = Effects(server)
        self._report_to = report
        self._random = random.Random(f"{seed}/faults")  # noqa: S311 a choice, not a secret
        self._is_over = threading.Event()
        self._is_abandoned = False
        self._has_ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)
        self._due: list[DueFault] = []
        self._records: list[FaultRecord] = []
        self._ends_ns: dict[int, int] = {}  # of the faults that last, in the order of their begin
        self._preparations: dict[int, threading.Thread] = {}
        self._unprepared: dict[int, Exception] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Inject no more faults, and revert those that last before anything is removed.

        After an interrupt or an error a server that was ended is not started only to be removed.
        After an interrupt nothing is waited for if the server is lost.
        """
        self._is_abandoned = kind is not None
        self._is_over.set()
        if self.is_running:
            with held():
                if outlast(self._has_ended, self._server.is_lost):
                    self._thread.join()

    @property
    def is_running(self) -> bool:
        """Whether a fault is still to be injected or reverted."""
        return self._thread.is_alive()

    def begin(self, start_ns: int) -> None:
        """Start; ``start_ns`` is the common start of the load."""
        for name, fault in zip(fault_names(self._faults), self._faults, strict=True):
            due = DueFault(name, start_ns + round(fault.at_s * NS_PER_S), fault)
            lasts_ns = round(fault.lasts_s * NS_PER_S) if fault.lasts else None
            toxic = fault.toxic(name) if fault.fault in TOXICS else None
            self._due.append(due)
            self._records.append(
                FaultRecord(fault.fault, due.due_ns, lasts_ns=lasts_ns, toxic=toxic)
            )
        if self._faults:
            self._thread.start()

    def store(self, folder: Path) -> None:
        """Write the records of the faults into ``folder``."""
        write_faults(self._records, folder)

    def _run(self) -> None:
        """Inject and revert in the order of time; what lasts beyond the load ends with it."""
        try:
            self._follow_timeline()
        except Exception as exc:  # a thread that dies silently would leave the server as it is
            for record in self._records:
                if record.error == TOO_LATE:
                    record.error = f"the faults were given up: {_reason(exc)}"
        finally:
            try:
                self._revert_rest()
            finally:
                self._has_ended.set_result(None)

    def _revert_rest(self) -> None:
        """Revert what lasts, the latest first, and what could not be reverted in its time."""
        for thread in self._preparations.values():
            thread.join()
        for number in reversed(list(self._ends_ns)):
            self._records[number].is_cut = True
            if not (self._is_abandoned and self._faults[number].fault in ENDING):
                self._revert(number)
        for number, record in enumerate(self._records):
            is_left = record.ending_ns is not None and record.reverted_ns is None
            if is_left and record.fault not in ENDING:  # a server is not started twice
                self._revert(number)

    def _follow_timeline(self) -> None:
        turns = [_Turn(due.due_ns, BEGIN, number) for number, due in enumerate(self._due)]
        turns += [
            _Turn(due.due_ns - PREPARED_NS, PREPARE, number)
            for number, due in enumerate(self._due)
            if needs_preparation(due.fault)
        ]
        heapq.heapify(turns)
        while turns:
            turn = heapq.heappop(turns)
            if self._wait_until(turn.due_ns):
                return
            for later in self._take(turn):
                heapq.heappush(turns, later)

    def _wait_until(self, due_ns: int) -> bool:
        """Wait until ``due_ns``; return whether the load was over first."""
        return self._is_over.wait(max(due_ns - time.monotonic_ns(), 0) / NS_PER_S)

    def _take(self, turn: _Turn) -> list[_Turn]:
        """Do what ``turn`` says, and return the turns that follow from it."""
        number = turn.number
        if turn.step == PREPARE:  # in a thread, so that no other fault is late because of it
            thread = threading.Thread(target=self._prepare, args=[number], daemon=True)
            self._preparations[number] = thread
            thread.start()
            return []
        if turn.step == END:
            self._revert(number)
            return []
        ends_ns = [
            end_ns
            for other, end_ns in self._ends_ns.items()
            if rules_out(self._faults[other], self._faults[number])
        ]
        if ends_ns:  # a fault ends a little later than planned, and others have to wait for that
            return [turn._replace(due_ns=max(ends_ns))]
        self._inject(number)
        return [_Turn(self._ends_ns[number], END, number)] if number in self._ends_ns else []

    def _prepare(self, number: int) -> None:
        try:
            self._effects.prepare(self._due[number])
        except Exception as exc:  # the injection fails then, for the same reason
            self._unprepared[number] = exc

    def _inject(self, number: int) -> None:
        record = self._records[number]
        try:
            record.effect_ns = self._begin(number)
        except Exception as exc:  # whatever it is, the other faults are still reverted
            record.error = _reason(exc)
        else:
            record.error = ""
            if record.lasts_ns is not None:
                self._ends_ns[number] = record.effect_ns + record.lasts_ns
        self._report(f"{record.fault}: {record.error}" if record.error else record.fault)

    def _begin(self, number: int) -> int:
        """Put a fault into effect, and return the instant of that."""
        if number in self._preparations:
            self._preparations[number].join()
        if number in self._unprepared:
            raise self._unprepared[number]
        due = self._due[number]
        if due.fault.fault == KILL_WORKER:
            worker = self._records[number].worker = self._choose_worker(due.fault)
            due = due._replace(fault=due.fault.model_copy(update={"worker": worker}))
        return self._effects.begin(due) or time.monotonic_ns()

    def _choose_worker(self, fault: Fault) -> int:
        if isinstance(fault.worker, int):
            return fault.worker
        workers = self._server.workers()
        if not workers:
            raise BackendError("the server's log names no worker")
        return self._random.choice(workers)

    def _revert(self, number: int) -> None:
        due, record = self._due[number], self._records[number]
        self._ends_ns.pop(number, None)
        record.ending_ns = time.monotonic_ns()
        try:
            self._effects.end(due)
        except Exception as exc:  # whatever it is, the other faults are still reverted
            record.error = f"it could not be reverted: {_reason(exc)}"
            self._report(f"{record.fault}: {record.error}")
        else:
            record.reverted_ns = time.monotonic_ns()
            self._report(f"{record.fault} is over")

    def _report(self, text: str) -> None:
        with contextlib.suppress(Exception):  # a terminal that is gone ends no fault
            self._report_to(text)


def _reason(exc: Exception) -> str:
    """Return an error as a sentence; what nobody expected has its type's name."""
    is_expected = isinstance(exc, BackendError | OSError)
    return str(exc) if is_expected and str(exc) else f"{type(exc).__name__}: {exc}"
