"""The load of other programs on the host during a run: figures by name, and the balance behind it.

CPU time of the lab's programs is subtracted from that in which the CPUs were busy, both between the
same two instants: the begin and the end of the load. Imports, forks and the drain are not in it.
"""

from collections.abc import Iterator

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.kernel_measures import Window, probe_cpu_s, window_cpu_s
from orchestrator.analysis.server_measures import logged_cpu_s
from orchestrator.analysis.statistics import Figures, ratio

PARTS = ("server", "clients", "conductor", "proxy", "probe")
UNCHECKED = (
    "validity rules that name it were not checked, so make sure that no other program uses the CPUs"
)
EXCESS = 0.05
"""By what share of the CPUs the lab may have used more than was used, without a remark."""


def host_measures(evidence: Evidence) -> Figures:
    """Return the load of other programs on the host, as shares; None if unknown.

    dockerd, which carries the log of a container, is one of them.
    """
    host, balance = evidence.clients.host, host_balance(evidence)
    wall_s = host.get("wall_s")
    others_s = balance["others"]
    counted = host.get("counted_cpus") or host.get("cpus") or 1
    return {
        "host_busy": None if others_s is None else ratio(max(others_s, 0.0), _usable_s(evidence)),
        "host_steal": ratio(host.get("steal_s"), (wall_s or 0) * counted),
        "host_pressure": ratio(host.get("pressure_s"), wall_s),
        "orchestrator_cpu_share": ratio(host.get("own_cpu_s"), wall_s),
    }


def host_balance(evidence: Evidence) -> dict[str, float | None]:
    """Return the CPU time of the load, in s: all of it, and that of each program of the lab.

    ``others`` is the rest, None if a part is unknown; errors of the parts may make it negative.
    Time in interrupts that belongs to no program is shared between the lab and the others as
    their other CPU time is.
    """
    host = evidence.clients.host
    parts = {name: _part_s(evidence, name) for name in PARTS}
    parts["orchestrator"] = host.get("own_cpu_s") or 0.0
    busy_s, irq_s = host.get("busy_s"), host.get("irq_s") or 0.0
    known = [each for each in parts.values() if each is not None]
    others_s = None
    if busy_s is not None and len(known) == len(parts):
        programs_s = busy_s - irq_s
        others_s = programs_s - sum(known)
        others_s *= busy_s / programs_s if programs_s > 0 else 1.0
    return {"busy": busy_s, "interrupts": irq_s, **parts, "others": others_s}


def host_notes(evidence: Evidence) -> Iterator[str]:
    """Yield what a reader must know of the host: missing CPUs, and what makes a figure unknown."""
    if cpus := cpus_text(evidence):
        yield f"the lab may use {cpus}, by affinity or a CPU quota"
    balance = host_balance(evidence)
    others_s = balance["others"]
    if others_s is None:
        yield (f"host_busy is unknown: {_why_unknown(evidence, balance)}; {UNCHECKED}")
    elif others_s < -EXCESS * _usable_s(evidence):
        yield (
            f"the lab's programs used {-others_s:.2f} s of CPU time more than the CPUs were busy; "
            "host_busy is not reliable"
        )


def cpus_text(evidence: Evidence) -> str:
    """Return ``1 of 2 CPUs`` if the lab may not use all CPUs of the machine, else nothing."""
    usable, machine = (evidence.clients.host.get(name) for name in ("cpus", "machine_cpus"))
    if usable is None or machine is None or usable >= machine:
        return ""
    return f"{usable:.3g} of {machine:.0f} CPUs"


def _usable_s(evidence: Evidence) -> float:
    host = evidence.clients.host
    return (host.get("wall_s") or 0.0) * (host.get("cpus") or 1.0)


def _part_s(evidence: Evidence, name: str) -> float | None:
    """Return the CPU time of a part of the lab; 0 for a proxy that the run did not have.

    What the backend could not read, and older runs did not record, the probe and the clients
    report themselves. That of a server which was killed is at least what the probe saw of it.
    """
    recorded_s = evidence.clients.host.get(f"{name}_s")
    match name:
        case "server":
            return _server_s(evidence, recorded_s)
        case "clients":
            reported_s = sum(replica.health.cpu_s for replica in evidence.clients.replicas)
            return reported_s if recorded_s is None else recorded_s
        case "probe":
            return probe_cpu_s(evidence.kernel) if recorded_s is None else recorded_s
        case "proxy" if evidence.is_proxied:
            return recorded_s
        case _:
            return recorded_s or 0.0


def _server_s(evidence: Evidence, recorded_s: float | None) -> float | None:
    window = Window(evidence.clients.start_ns, evidence.load_end_ns, is_warmed_up=False)
    seen_s = window_cpu_s(evidence.kernel, window)
    if recorded_s is None:
        return logged_cpu_s(evidence.log) if seen_s is None else seen_s
    return max(recorded_s, seen_s or 0.0) if evidence.is_log_truncated else recorded_s


def _why_unknown(evidence: Evidence, balance: dict[str, float | None]) -> str:
    if balance["busy"] is None and not evidence.is_one_host:
        return "the programs ran on other machines than the orchestrator"
    if balance["busy"] is None:
        return "the kernel does not report how long the CPUs were idle"
    missing = [name for name in PARTS if balance[name] is None]
    return (
        f"the CPU time of the {' and the '.join(missing)} cannot be read, so it cannot be told "
        "apart from that of other programs"
    )
