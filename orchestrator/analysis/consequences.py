"""When the first consequence of each fault was over: the end of its part of the window ``during``.

A fault that is undone is over when that begins. One that takes an instant has a consequence, which
is read from the server's log, so that both backends give the same instant:

- a killed worker: until its replacement accepts a connection;
- workers that are replaced: until the last one is;
- a server that is started again: until it listens;
- a server that ends for good: until its clients have noticed.

If no log shows it, it is taken to be over after the time that is stated here.
"""

from collections.abc import Iterator

from orchestrator.analysis.evidence import Evidence
from orchestrator.results.fault_log import FaultRecord
from orchestrator.scenario.faults import ENDING, KILL_WORKER, RELOAD, TERMINATE

NEVER_NS = 2**63 - 1
"""The end of what lasts until the end of the load."""

ACCEPTS_WITHIN_NS = 1_000_000_000
"""A new worker to which no connection comes for this long is taken to have replaced the old one."""

NOTICED_WITHIN_NS = 100_000_000
"""How long after the end of a server the kernel may take to reset its connections."""


def over_ns(fault: FaultRecord, evidence: Evidence) -> int | None:
    """Return when the first consequence of ``fault`` was over; `NEVER_NS` if it never was.

    None if the fault did not take effect.
    """
    if fault.effect_ns is None:
        return None
    if fault.fault == KILL_WORKER:
        return _replaced_ns(fault, fault.effect_ns, evidence)
    if fault.fault == RELOAD:
        return _reloaded_ns(fault, evidence)
    if fault.fault in ENDING:
        return _ended_ns(fault, fault.effect_ns, evidence)
    return fault.effect_ns if fault.ending_ns is None else fault.ending_ns


def _replaced_ns(fault: FaultRecord, effect_ns: int, evidence: Evidence) -> int:
    """Return when the worker that replaced a killed one accepted its first connection."""
    if not evidence.has_event_log:
        return effect_ns + ACCEPTS_WITHIN_NS
    started = _instants("worker_started", fault.asked_ns, evidence, fault.worker)
    started_ns = min(started, default=None)
    if started_ns is None:
        return NEVER_NS
    accepted = evidence.log.accepted
    own_ns = accepted["accepted_ns"][accepted["worker"] == fault.worker]
    first_ns = int(own_ns[own_ns >= started_ns].min(initial=NEVER_NS))
    return min(first_ns, started_ns + ACCEPTS_WITHIN_NS)


def _reloaded_ns(fault: FaultRecord, evidence: Evidence) -> int:
    """Return when the last worker had been replaced; a log from before the effect may say so."""
    if not evidence.has_event_log:
        return (fault.effect_ns or 0) + ACCEPTS_WITHIN_NS
    return min(_instants("reload_ended", fault.asked_ns, evidence), default=NEVER_NS)


def _ended_ns(fault: FaultRecord, effect_ns: int, evidence: Evidence) -> int:
    """Return when a server that was ended listened again, or was gone for good."""
    if fault.ending_ns is not None:
        if not evidence.has_event_log:
            return fault.reverted_ns or NEVER_NS
        return min(_instants("listening", fault.ending_ns, evidence), default=NEVER_NS)
    if fault.lasts_ns is not None:
        return NEVER_NS  # the lab was interrupted before the server's new start
    if fault.fault != TERMINATE:
        return effect_ns + NOTICED_WITHIN_NS
    ends_ns = [*_instants("stopped", fault.asked_ns, evidence)]
    ends_ns = ends_ns or [each for each in evidence.server_ends_ns if each >= fault.asked_ns]
    return min(ends_ns) + NOTICED_WITHIN_NS if ends_ns else NEVER_NS


def _instants(
    name: str, since_ns: int, evidence: Evidence, worker: int | None = None
) -> Iterator[int]:
    """Yield when the server logged ``name`` from ``since_ns`` on, of one worker unless None."""
    for event in evidence.log.of(name):
        is_own = worker is None or event.get("index") == worker
        if is_own and event["t_ns"] >= since_ns:
            yield event["t_ns"]
