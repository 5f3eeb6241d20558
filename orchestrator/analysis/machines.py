"""The load of other programs on each machine of a run on several: figures by the machine's name.

Each machine is judged by what it recorded itself and by the programs that ran there. The run has
the worst of them, since a message passes several.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from orchestrator.analysis.clocks import server_clocks
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.host_delay import delay_of_clients, delay_of_server
from orchestrator.analysis.host_measures import (
    UNCHECKED,
    host_balance,
    host_measures,
    host_notes,
)
from orchestrator.analysis.statistics import Figures
from orchestrator.measures.bounds import AtLeast
from orchestrator.results.kernel_log import KernelLog
from orchestrator.results.tables import Columns, select

SHARES = ("host_busy", "host_steal", "host_pressure")
DELAY = "host_delay"


@dataclass(frozen=True)
class MachineEvidence:
    """The part of a run's evidence that is of one machine; ``reason``, if it did not answer.

    ``has_server``: the server ran there, and the replicas of ``evidence``.
    """

    evidence: Evidence
    has_server: bool
    reason: str


def evidence_by_machine(evidence: Evidence) -> dict[str, MachineEvidence]:
    """Return the evidence of each machine; empty if all ran on that of the orchestrator.

    A program belongs to the machine whose kernel it reports.
    """
    boot_ids = {clock.boot_id for clock in server_clocks(evidence.log)}
    found = {}
    for machine in evidence.clients.machines:
        replicas = tuple(
            each
            for each in evidence.clients.replicas
            if each.clock is not None and each.clock.boot_id == machine.boot_id
        )
        clients = replace(evidence.clients, replicas=replicas, host=machine.times, machines=())
        own = replace(evidence, clients=clients, last_end_ns=evidence.load_end_ns)
        has_server = machine.boot_id in boot_ids
        if not has_server:
            own = replace(own, kernel=KernelLog(), faults=())
        found[machine.name] = MachineEvidence(own, has_server, machine.reason)
    return found


def at_the_server(evidence: Evidence) -> Evidence:
    """Return the evidence of the machine of the server; all of it if there is one machine."""
    machines = evidence_by_machine(evidence).values()
    return next((each.evidence for each in machines if each.has_server), evidence)


class MachineMeasures(NamedTuple):
    """The figures of each machine by its name, and of the run; both empty if it has none."""

    by_name: dict[str, Figures]
    of_run: Figures


def machine_measures(evidence: Evidence, requests: Columns) -> MachineMeasures:
    """Return the figures of each machine, and for the run the worst of each.

    A message is delayed on the machine of the server and on that of its client, so the delay is
    that of the server and the worst of clients. It is unknown if one of them is. Other figures are
    at least those of the machines which are known.
    """
    machines = evidence_by_machine(evidence)
    if not machines:
        return MachineMeasures({}, {})
    delays = {name: _delays(each, requests) for name, each in machines.items()}
    by_name: dict[str, Figures] = {}
    for name, each in machines.items():
        figures = host_measures(each.evidence)
        shares = {share: figures[share] for share in SHARES}
        by_name[name] = {DELAY: _sum(delays[name]), **shares}
    worst = {share: _worst([figures[share] for figures in by_name.values()]) for share in SHARES}
    is_complete = _is_complete(evidence, machines.values()) and len(requests) > 0
    delay = _delay_of_run(list(delays.values())) if is_complete else None
    return MachineMeasures(by_name, {DELAY: delay, **worst})


_Delays = tuple[float | None, float | None]


def _delays(machine: MachineEvidence, requests: Columns) -> _Delays:
    """Return the delay of the server and that of the clients on a machine; 0 if it has none."""
    own = machine.evidence
    numbers = [each.number for each in own.clients.replicas]
    sent = select(requests, np.isin(requests["replica"], numbers))
    return (
        delay_of_server(own, requests) if machine.has_server else 0.0,
        delay_of_clients(own, sent) if numbers else 0.0,
    )


def _is_complete(evidence: Evidence, machines: Collection[MachineEvidence]) -> bool:
    """Return whether the machine of each program is known."""
    placed = sum(len(each.evidence.clients.replicas) for each in machines)
    has_server = any(each.has_server for each in machines)
    return has_server and placed == len(evidence.clients.replicas)


def _delay_of_run(delays: Sequence[_Delays]) -> float | None:
    of_servers, of_clients = zip(*delays, strict=True)
    if None in of_servers or None in of_clients:
        return None
    return _sum((max(of_servers), max(of_clients)))


def _worst(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    if not known:
        return None
    return max(known) if len(known) == len(values) else AtLeast(max(known))


def _sum(values: Sequence[float | None]) -> float | None:
    """Return the sum, None if one is unknown."""
    known = [each for each in values if each is not None]
    return sum(known) if len(known) == len(values) else None


def machine_notes(evidence: Evidence, machines: Mapping[str, Figures]) -> Iterator[str]:
    """Yield what was found on each machine, and what makes a figure of it unknown."""
    for name, machine in evidence_by_machine(evidence).items():
        shown = [
            f"{each} {value:.1%}"
            for each, value in machines[name].items()
            if each != "host_pressure" and value is not None
        ]
        if shown:
            yield f"{name}: {', '.join(shown)}"
        if machine.reason:
            yield f"{name}: host_busy is unknown: {machine.reason}; {UNCHECKED}"
        else:
            yield from (f"{name}: {note}" for note in host_notes(machine.evidence))


def balance_of_all(evidence: Evidence) -> dict[str, float | None]:
    """Return the CPU time of the load on all machines, as `host_balance` does for one."""
    machines = [host_balance(each.evidence) for each in evidence_by_machine(evidence).values()]
    if not machines:
        return host_balance(evidence)
    return {name: _sum([each[name] for each in machines]) for name in machines[0]}
