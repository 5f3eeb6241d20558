"""What others did to the server during a run: they connected to it, or they ended it.

Each such deed makes the run invalid, since the figures then are of another load or another server.
A stranger that only stops the server's processes for a while is not found.
"""

from collections.abc import Iterator, Sequence
from operator import itemgetter

import numpy as np

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.server_measures import accept_queue_resets, is_meant
from orchestrator.measures.sentences import counted
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.server_log import Event
from orchestrator.results.tables import Keys
from orchestrator.scenario.faults import ENDING, FILL_BACKLOG, KILL_WORKER, RELOAD

LIFECYCLE = ("started", "listening", "drain_begun", "stopped", "worker_exited")


def find_interference(evidence: Evidence) -> Iterator[str]:
    """Yield what others did to the server, empty if they did nothing."""
    if evidence.has_event_log:
        yield from _strangers(evidence)
    ends = list(_unasked_ends(evidence))
    yield from ends
    if not ends:  # else the log has named them
        yield from _ended_programs(evidence)
    yield from _worker_deaths(evidence)
    yield from _unasked_reloads(evidence)


def _strangers(evidence: Evidence) -> Iterator[str]:
    """Yield how many connections reached the server that no client of the run opened.

    The connections of a lost replica are unknown, so nothing can be said then.
    """
    clients = evidence.clients
    if clients.lost or clients.gaps:
        return
    accepted = evidence.log.accepted
    ports: Keys = accepted["port"][accepted["accepted_ns"] > 0]
    own = np.concatenate([*(each.connections["port"] for each in clients.replicas), ports[:0]])
    resets = accept_queue_resets(evidence.log)
    surplus = len(ports) + resets - len(own)
    if not evidence.is_proxied:  # else the ports are the proxy's
        surplus = max(surplus, _unknown(ports, own))
    surplus -= evidence.connections_of_lab
    if surplus > 0:
        yield (
            f"{counted(surplus, 'connections')} reached the server that no client of this run "
            f"opened: it accepted {len(ports)} and reset {resets} unaccepted, the clients opened "
            f"{len(own)}"
        )


def _unknown(ports: Keys, own: Keys) -> int:
    """Return how many of ``ports`` are not among ``own``, where 0 may be any port.

    Replicas on several addresses may use the same port, and a replica may use a port twice.
    """
    values, places = np.unique(np.concatenate([ports, own]), return_inverse=True)
    seen = np.bincount(places[: len(ports)], minlength=len(values))
    opened = np.bincount(places[len(ports) :], minlength=len(values))
    return int(np.clip(seen - opened, 0, None).sum() - np.count_nonzero(own == 0))


def _unasked_ends(evidence: Evidence) -> Iterator[str]:
    """Yield each drain in the server's log, or end without one, that nobody asked for."""
    is_draining = False
    for event in _lifecycle(evidence):
        name = event["event"]
        if name == "drain_begun" and not _is_asked(event["t_ns"], evidence):
            why = f" on {event['signal']!a}" if "signal" in event else ""
            yield (
                f"the server began to drain{why} {_after(event['t_ns'], evidence)}: no fault asked "
                "for that, nor did the lab stop it"
            )
        if name == "stopped" and not is_draining and not _is_asked(event["t_ns"], evidence):
            yield f"the server stopped {_after(event['t_ns'], evidence)}, for which no fault asked"
        is_draining = name == "drain_begun" or (is_draining and name == "worker_exited")


def _lifecycle(evidence: Evidence) -> Sequence[Event]:
    """Return the events of starts and ends in the order of time."""
    events = [event for event in evidence.log.events if event["event"] in LIFECYCLE]
    return sorted(events, key=itemgetter("t_ns"))


def _ended_programs(evidence: Evidence) -> Iterator[str]:
    """Yield when the server's program or container had ended, as the backend noticed."""
    for ended_ns in evidence.server_ends_ns:
        if not _is_asked(ended_ns, evidence):
            yield (
                f"the server ended {_after(ended_ns, evidence)}: no fault asked for that, nor did "
                "the lab stop it"
            )


def _is_asked(instant_ns: int, evidence: Evidence) -> bool:
    """Whether the lab stopped the server at that time, or a fault was ending it."""
    return instant_ns >= evidence.stopping_ns or any(
        _is_ending(fault, instant_ns) for fault in evidence.faults
    )


def _is_ending(fault: FaultRecord, instant_ns: int) -> bool:
    is_effective = fault.fault in ENDING and fault.effect_ns is not None
    is_over = fault.reverted_ns is not None and instant_ns > fault.reverted_ns
    return is_effective and instant_ns >= fault.asked_ns and not is_over


def _worker_deaths(evidence: Evidence) -> Iterator[str]:
    """Yield each worker process that ended before the drain, unless a fault killed it."""
    kills = [each for each in evidence.faults if each.fault == KILL_WORKER and each.effect_ns]
    is_draining = False
    for event in _lifecycle(evidence):
        if event["event"] != "worker_exited":
            is_draining = event["event"] == "drain_begun"
            continue
        worker, instant_ns = event["index"], event["t_ns"]
        if is_draining or is_meant(event) or _is_asked(instant_ns, evidence):
            continue
        fault = next((k for k in kills if k.worker == worker and k.asked_ns <= instant_ns), None)
        if fault is None:
            why = f" ({ascii(event['reason'])[1:-1]})" if "reason" in event else ""
            yield f"worker {worker} ended{why} {_after(instant_ns, evidence)}: no fault killed it"
        else:
            kills.remove(fault)


def _unasked_reloads(evidence: Evidence) -> Iterator[str]:
    """Yield each reload for which no fault asked; each fault explains one."""
    asked_ns = [each.asked_ns for each in evidence.faults if each.fault == RELOAD]
    for begun_ns in sorted(event["t_ns"] for event in evidence.log.of("reload_begun")):
        own_ns = next((each for each in asked_ns if each <= begun_ns), None)
        if own_ns is None:
            when = _after(begun_ns, evidence)
            yield f"the server began to replace its workers {when}: no fault asked for that"
        else:
            asked_ns.remove(own_ns)


def _after(instant_ns: int, evidence: Evidence) -> str:
    return f"at {(instant_ns - evidence.clients.start_ns) / 1e9:.3f} s"


def crowd_of(faults: Sequence[FaultRecord], crowds: Sequence[int]) -> int:
    """Return how many connections `fill-backlog` opened.

    ``crowds`` has the number of each fault of the scenario, for records of older versions.
    """
    return sum(
        each.crowd or (crowds[number] if number < len(crowds) else 0)
        for number, each in enumerate(faults)
        if each.fault == FILL_BACKLOG and each.effect_ns is not None
    )
