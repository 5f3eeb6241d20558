"""Why the faults of a run were not those of its scenario, so that the run is invalid.

A fault failed, took effect late or lasted too short or too long, or the fault proxy applied toxics
that no fault asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.analysis.evidence import Evidence
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.proxy_log import ProxyLog
from orchestrator.results.summary import Reason, ReasonKind

MAX_LATE_NS = 100_000_000
"""How much later than due a fault may take effect, and how much longer than asked it may last."""


def find_fault_doubts(evidence: Evidence) -> Iterator[Reason]:
    """Yield what is wrong with the faults; instants are seconds from the start of the load.

    A fault is late because the host, or the engine on it, did not run the orchestrator in time.
    """
    start_ns = evidence.clients.start_ns
    for fault in evidence.faults:
        if fault.error:
            yield Reason(ReasonKind.FAULT, f"fault {fault.fault}: {fault.error}")
        for doubt in _of_instants(fault, start_ns):
            yield Reason(ReasonKind.DISTURBED_RUN, f"fault {fault.fault}: {doubt}")
    if evidence.is_proxied:
        for gap in evidence.proxy.gaps:
            yield Reason(ReasonKind.LOST_RECORDS, gap)
        for doubt in _of_toxics(evidence.faults, evidence.proxy, start_ns):
            yield Reason(ReasonKind.STRANGER, doubt)


def _of_instants(fault: FaultRecord, start_ns: int) -> Iterator[str]:
    """Yield how the instants of a fault differ from those asked for.

    No scenario says when a fault by hand is due: only how long it lasts was asked for.
    """
    effect_ns = fault.effect_ns
    if effect_ns is None:
        return
    if effect_ns - fault.asked_ns > MAX_LATE_NS and not fault.is_by_hand:
        due, effect = _at(fault.asked_ns, start_ns), _at(effect_ns, start_ns)
        yield f"it was due at {due}, but took effect at {effect}, more than 0.1 s late"
    if fault.ending_ns is None or fault.lasts_ns is None:
        return
    lasted_ns = fault.ending_ns - effect_ns
    is_short = lasted_ns < fault.lasts_ns and not fault.is_cut
    if is_short or lasted_ns > fault.lasts_ns + MAX_LATE_NS:
        effect, end = _at(effect_ns, start_ns), _at(fault.ending_ns, start_ns)
        lasts = f"{lasted_ns / 1e9:.3f} s instead of {fault.lasts_ns / 1e9:.3f} s"
        yield f"it lasted from {effect} to {end}, {lasts}"


def _of_toxics(faults: Sequence[FaultRecord], log: ProxyLog, start_ns: int) -> Iterator[str]:
    """Yield each change of the toxics that the faults do not explain."""
    asked = {str(each.toxic["name"]): each for each in faults if each.toxic is not None}
    if not asked:
        return  # a run of an older version does not have what was asked
    for change in log.changes:
        if change.toxics is None:
            continue
        when = _at(change.t_ns, start_ns)
        for toxic in change.toxics:
            fault = asked.get(str(toxic.get("name")))
            if fault is None or not _is_asked(toxic, fault, change.t_ns):
                shown = f"{toxic!r:.200}"
                yield f"the fault proxy got a toxic at {when} that no fault asked for: {shown}"
        present = {str(toxic.get("name")) for toxic in change.toxics}
        for name, fault in asked.items():
            if name not in present and _lasts_at(fault, change.t_ns):
                yield f"the fault proxy lost the toxic {name!r} at {when}, while its fault lasted"


def _is_asked(toxic: Mapping[str, Any], fault: FaultRecord, t_ns: int) -> bool:
    """Return whether a fault asked for exactly this toxic, and may be in effect at ``t_ns``."""
    is_over = fault.reverted_ns is not None and t_ns > fault.reverted_ns
    return toxic == fault.toxic and t_ns >= fault.asked_ns and not is_over


def _lasts_at(fault: FaultRecord, t_ns: int) -> bool:
    """Return whether a fault is in effect at ``t_ns`` and is not being reverted."""
    if fault.effect_ns is None or t_ns <= fault.effect_ns:
        return False
    return fault.ending_ns is None or t_ns < fault.ending_ns


def _at(instant_ns: int, start_ns: int) -> str:
    return f"{(instant_ns - start_ns) / 1e9:.3f} s"
