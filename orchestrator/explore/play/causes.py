"""Why users wait in a picture, or why they do not: the end of its sentence."""

from collections.abc import Iterator

from orchestrator.explore.play.controls import CPU, Controls
from orchestrator.explore.play.outcome import Outcome
from orchestrator.explore.play.to_scenario import LEAD_MS
from orchestrator.measures.dimensions import TIME
from orchestrator.measures.sentences import counted, value_text
from orchestrator.twin.parameters import EVENT_LOOPS, STARTING, WITH_LOCK, Kind


def ms_text(ms: float) -> str:
    """Return a duration in the words of a sentence: ``600 ms``, ``1.2 s``."""
    return value_text(ms / 1e3, TIME)


def awaited(outcome: Outcome) -> str:
    """Return what a user waits for."""
    if outcome.left_out and not outcome.is_awaiting_service:
        return "a place in the accept queue"
    kind = outcome.run.kind
    if kind in EVENT_LOOPS:
        return "the loop"
    if kind is Kind.LOOP_AND_POOL:
        return "a thread"
    return "the only worker" if outcome.run.discipline.workers == 1 else "a worker"


def cause(outcome: Outcome, controls: Controls) -> str:
    """Return why somebody waits in ``outcome``, or nobody does, as a clause."""
    kind = outcome.run.kind
    shared = _shared(outcome) if controls.work == CPU and outcome.is_stretched else ""
    if outcome.waiting:
        why = _why_waiting(outcome, controls)
        return f"{why}, and {shared}" if shared else why
    if shared:
        return f"all are served at once, but {shared}"
    if kind in EVENT_LOOPS:
        return "a message that waits is only a timer in the loop"
    if kind in STARTING:
        return "each connection gets a worker of its own"
    if kind is Kind.PROCESS:
        return "the worker is free whenever somebody comes"
    return f"one of {_workers(outcome)} is free whenever somebody comes"


def _shared(outcome: Outcome) -> str:
    """Return what the messages that compute at the same time share."""
    if outcome.run.kind in WITH_LOCK:
        return "one thread computes at a time"
    return f"all of them share {counted(outcome.run.discipline.cpus, 'CPUs')}"


def _why_waiting(outcome: Outcome, controls: Controls) -> str:
    kind = outcome.run.kind
    if outcome.left_out and not outcome.is_awaiting_service:
        return "all places were taken when they came"
    if kind is Kind.PROCESSES_SPLIT:
        return "the kernel's hash chooses a worker for each connection, also a busy one"
    if kind not in (*EVENT_LOOPS, Kind.LOOP_AND_POOL):
        return _why_keeping(outcome, controls)
    busy = (
        f"each of {_workers(outcome)} serves one message at a time"
        if kind is Kind.LOOP_AND_POOL
        else "the loop computes one message after another"
    )
    if controls.long_ms > LEAD_MS:
        return f"{busy}, and the long one takes {ms_text(controls.long_ms)}"
    return busy


def _why_keeping(outcome: Outcome, controls: Controls) -> str:
    """Return why users wait for workers that keep a connection until its client closes it."""
    count = outcome.run.discipline.workers
    held = " and ".join(_holders(controls))
    if held and count == 1:
        return f"it is kept {held}"
    holders = len(list(_holders(controls)))
    if held and not controls.is_open and outcome.count <= count:
        return f"{holders} of {_workers(outcome)} {'is' if holders == 1 else 'are'} kept {held}"
    which = "it" if count == 1 else f"each of {_workers(outcome)}"
    keeps = f"{which} keeps a connection until its client closes it"
    if not held:
        return keeps
    return f"{keeps}, and {holders} of them {'is' if holders == 1 else 'are'} kept {held}"


def _holders(controls: Controls) -> Iterator[str]:
    """Yield who keeps a worker when the users come, and for how long."""
    if controls.silent_ms > LEAD_MS:
        yield f"by the silent client for {ms_text(controls.silent_ms)}"
    if controls.long_ms > LEAD_MS:
        yield f"by the long message for {ms_text(controls.long_ms)}"


def _workers(outcome: Outcome) -> str:
    return counted(outcome.run.discipline.workers, "workers")
