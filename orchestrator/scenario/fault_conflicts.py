"""Faults that cannot take place together: one that begins while another rules it out.

Faults of one kind may overlap; `orchestrator.execution.fault_effects` says what that means.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.scenario.faults import (
    DISCONNECT,
    DISCONNECT_HOST,
    ENDING,
    FAULTS,
    FILL_BACKLOG,
    KILL,
    KILL_WORKER,
    PAUSE,
    RELOAD,
    TERMINATE,
    Fault,
)

RULED_OUT: Mapping[str, tuple[str, ...]] = {
    PAUSE: (KILL_WORKER, RELOAD, TERMINATE, KILL),
    DISCONNECT: (TERMINATE, KILL, FILL_BACKLOG),
    TERMINATE: FAULTS,
    KILL: FAULTS,
}
"""The kinds that cannot begin during a fault; toxics always can, since the proxy causes them."""

_REASONS: Mapping[str, str] = {
    PAUSE: "stops the server until {end:g}s",
    DISCONNECT: "takes the server off its network until {end:g}s",
    DISCONNECT_HOST: "cuts the same host off until {end:g}s",
    TERMINATE: "ends the server until {end:g}s",
    KILL: "ends the server until {end:g}s",
}


def rules_out(lasting: Fault, later: Fault) -> bool:
    """Return whether ``later`` cannot begin while ``lasting`` is in effect."""
    is_same_host = lasting.host is not None and lasting.host == later.host
    return is_same_host or later.fault in RULED_OUT.get(lasting.fault, ())


def conflicts(faults: Sequence[Fault]) -> Iterator[tuple[int, str]]:
    """Yield the index of each fault that begins while an earlier one rules it out, and why."""
    in_order = sorted(range(len(faults)), key=lambda index: faults[index].at_s)
    for place, index in enumerate(in_order):
        later = faults[index]
        for lasting in (faults[earlier] for earlier in in_order[:place]):
            if rules_out(lasting, later) and later.at_s < _end_s(lasting):
                yield index, f"{later.fault} cannot begin then: {_reason(lasting)}"
                break


def _end_s(lasting: Fault) -> float:
    """Return when a fault ends; a server that drains may still be there, one killed is not."""
    return math.inf if lasting.fault == KILL and not lasting.lasts else lasting.end_s


def _reason(lasting: Fault) -> str:
    which = f"the {lasting.fault} at {lasting.at}"
    if lasting.fault in ENDING and not lasting.lasts:
        return f"{which} ends the server for good; with lasts, it is started again after that time"
    return f"{which} {_REASONS[lasting.fault].format(end=lasting.end_s)}"


def fault_names(faults: Sequence[Fault]) -> list[str]:
    """Return a name for each fault of a run, all different: ``latency at 1s``."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for fault in faults:
        name = f"{fault.fault} at {fault.at}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}, number {seen[name]}")
    return names
