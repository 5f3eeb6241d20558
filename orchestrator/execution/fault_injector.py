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

from pydantic import ValidationError

from faultproxy.toxics import TOXICS
from orchestrator.execution.backend import BackendError, Server
from orchestrator.execution.background import outlast
from orchestrator.execution.fault_effects import DueFault, Effects, needs_preparation
from orchestrator.execution.fault_requests import FaultRequest, FaultRequests, age_refusal
from orchestrator.execution.interrupts import held
from orchestrator.results.archive import ArchiveError
from orchestrator.results.fault_log import FORESTALLED, TOO_LATE, FaultRecord, write_faults
from orchestrator.scenario.fault_conflicts import conflicts, fault_names, rules_out
from orchestrator.scenario.faults import ENDING, KILL_WORKER, MAX_FAULTS, Fault

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
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

    ``report`` is called with each injection and its end, from the injector's own thread. So are
    ``requests`` answered: faults that a person asks for during the load; None if nobody can. One
    that is refused has had no effect, and no record.
    """

    def __init__(
        self,
        faults: Sequence[Fault],
        server: Server,
        seed: int,
        report: Callable[[str], None],
        requests: FaultRequests | None = None,
    ) -> None:
        self._planned = faults
        self._faults: list[Fault] = []
        self._requests = requests
        self._start_ns = 0
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
        if self._requests:
            self._requests.wake()
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
        self._start_ns = start_ns
        for fault in self._planned:
            self._plan(fault)
        if self._faults or self._requests:
            self._thread.start()

    def _plan(self, fault: Fault, *, is_by_hand: bool = False) -> int:
        """Begin the record of a fault, and return its number."""
        self._faults.append(fault)
        name = fault_names(self._faults)[-1]
        due = DueFault(name, self._start_ns + round(fault.at_s * NS_PER_S), fault)
        self._due.append(due)
        self._records.append(
            FaultRecord(
                fault.fault,
                due.due_ns,
                lasts_ns=round(fault.lasts_s * NS_PER_S) if fault.lasts else None,
                toxic=fault.toxic(name) if fault.fault in TOXICS else None,
                crowd=fault.crowd,
                is_by_hand=is_by_hand,
            )
        )
        return len(self._records) - 1

    def store(self, folder: Path) -> None:
        """Write the records of the faults into ``folder``."""
        write_faults((each for each in self._records if not _is_void(each)), folder)

    def _run(self) -> None:
        """Inject and revert in the order of time; what lasts beyond the load ends with it."""
        if self._requests:
            self._store_for_asker(self._requests)
        try:
            self._follow_timeline()
        except Exception as exc:  # a thread that dies silently would leave the server as it is
            for record in self._records:
                if record.error == TOO_LATE:
                    record.error = f"the faults were given up: {_reason(exc)}"
        finally:
            try:
                self._revert_rest()
                self._name_forestalled()
            finally:
                self._has_ended.set_result(None)

    def _name_forestalled(self) -> None:
        """Report what was asked for by hand and never began, since it has no record."""
        for record in self._records:
            if _is_void(record):
                self._report(f"{record.fault} (by hand) {FORESTALLED}")

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
        turns = [turn for number in range(len(self._faults)) for turn in self._turns(number)]
        heapq.heapify(turns)
        while (turns or self._requests) and not self._is_over.is_set():
            if turns and turns[0].due_ns <= time.monotonic_ns():
                later = self._take(heapq.heappop(turns))
            else:
                later = self._wait_until(turns[0].due_ns if turns else None)
            for turn in later:
                heapq.heappush(turns, turn)

    def _turns(self, number: int) -> list[_Turn]:
        """Return the turns with which a fault begins."""
        due = self._due[number]
        turns = [_Turn(due.due_ns, BEGIN, number)]
        if needs_preparation(due.fault):
            turns.append(_Turn(due.due_ns - PREPARED_NS, PREPARE, number))
        return turns

    def _wait_until(self, due_ns: int | None) -> list[_Turn]:
        """Wait until ``due_ns``, the load is over, or a fault is asked for; return its turns."""
        wait_s = None if due_ns is None else max(due_ns - time.monotonic_ns(), 0) / NS_PER_S
        if self._requests is None:
            self._is_over.wait(wait_s)
            return []
        request = self._requests.wait(wait_s)
        if request is None:
            return []
        turns, refusal = self._begin_asked(request, self._requests.complete)
        self._requests.answer(request, refusal)
        return turns

    def _begin_asked(
        self, request: FaultRequest, complete: Callable[[Fault], Fault]
    ) -> tuple[list[_Turn], str]:
        """Begin the fault that is asked for; return the turns that follow, and why not if it fails.

        One that needs preparation begins later, like a fault of the scenario.
        """
        try:
            fault = complete(self._asked_for(request))
        except Exception as exc:  # whatever it is, the other faults are still injected
            return [], _reason(exc)
        if refusal := age_refusal(request, self._start_ns):
            return [], refusal
        number = self._plan(fault, is_by_hand=True)
        turns = self._turns(number)
        if needs_preparation(fault):
            return turns, ""
        turns, error = self._take(turns[0]), self._records[number].error
        if error == TOO_LATE:  # it waits for the end of another fault
            return turns, ""
        if error and fault.fault == KILL_WORKER:  # no process was touched
            for each in (self._faults, self._due, self._records):
                each.pop()
        return turns, error

    def _asked_for(self, request: FaultRequest) -> Fault:
        """Return the fault that is asked for, if it can begin now.

        Raises:
            BackendError: it cannot.
        """
        if len(self._faults) >= MAX_FAULTS:
            raise BackendError(f"this run has had {MAX_FAULTS} faults, and no more are allowed")
        self._server.check_running()
        asked = _fault_of(request, max(time.monotonic_ns() - self._start_ns, 0))
        for index, why in conflicts([*self._faults, asked]):
            is_later = index < len(self._faults)
            raise BackendError(f"the scenario has a fault for which {why}" if is_later else why)
        return asked

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
        if self._requests is not None:
            self._store_for_asker(self._requests)
        with contextlib.suppress(Exception):  # a terminal that is gone ends no fault
            self._report_to(text)

    def _store_for_asker(self, requests: FaultRequests) -> None:
        """Store the records so far; the first time, without any, says that the load begins."""
        with contextlib.suppress(ArchiveError):  # the end of the run names what is wrong
            self.store(requests.folder)


def _reason(exc: Exception) -> str:
    """Return an error as a sentence; what nobody expected has its type's name."""
    is_expected = isinstance(exc, BackendError | OSError)
    return str(exc) if is_expected and str(exc) else f"{type(exc).__name__}: {exc}"


def _fault_of(request: FaultRequest, after_ns: int) -> Fault:
    """Return the fault of ``request``, which comes ``after_ns`` from the start of the load.

    It begins at once, or as soon as it can be prepared.
    """

    def beginning(at_ns: int) -> Fault:
        return Fault(at=f"{at_ns // NS_PER_MS}ms", fault=request.fault, lasts=request.lasts)

    try:
        fault = beginning(after_ns)
        return beginning(after_ns + PREPARED_NS) if needs_preparation(fault) else fault
    except ValidationError as exc:
        raise BackendError("there is no such fault, or the load lasts longer than 60m") from exc


def _is_void(record: FaultRecord) -> bool:
    """Return whether a fault was asked for by hand, and the load was over before it was due."""
    return record.is_by_hand and record.error == TOO_LATE
