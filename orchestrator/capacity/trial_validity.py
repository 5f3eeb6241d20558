"""Whether a trial counts, and whether a load that did not hold says something of the server.

A trial in which the host was disturbed, or its clients were late or busy, measures those and not
the server. Pure functions of a measured run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.host_measures import host_balance
from orchestrator.analysis.machines import at_the_server, evidence_by_machine
from orchestrator.analysis.statistics import Figures, ratio
from orchestrator.campaign.evaluate_run import MeasuredRun
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.results.capacity import Limit
from orchestrator.results.summary import Fitness, ReasonKind

LAG_PART = 0.2
"""Of an objective's limit: the most by which clients may be late at their 99th percentile."""

FULL = 0.9
"""The share of the CPUs in use from which on programs wait for one."""

MOST_OF_SERVER = 0.5
"""Of the server's CPU time: what uses more, on CPUs that are in use, takes it from the server."""

NOTABLE = 0.2
"""Of the CPUs: what uses less does not keep the server from them."""

MOST_BESIDE_FREE_CPUS = 0.5
"""Of the time: no scheduler lets a thread wait for longer while another CPU is free."""

BEYOND_COMPETITION = 0.05
"""Of the time: a client that waits for so much longer than others can delay it has a quota."""

OF_CLIENTS = ("clients", "conductor", "orchestrator", "probe", "proxy")
CLIENT_ERRORS = ("exhausted", "unreachable")
"""Errors of connections that never reached the server."""


@dataclass(frozen=True)
class CpuUse:
    """CPU time during the load in s: of the server, of the rest of the lab, and of all programs.

    ``available_s`` is what the CPUs had; each is None if it is not known.
    """

    server_s: float | None
    clients_s: float | None
    busy_s: float | None
    wall_s: float | None
    cpus: float | None

    @property
    def available_s(self) -> float | None:
        """The CPU time that the lab could have used."""
        return self.wall_s * self.cpus if self.wall_s and self.cpus else None

    @property
    def others_s(self) -> float | None:
        """CPU time of programs that are none of the lab's, with all of the kernel's interrupts."""
        if self.server_s is None or self.clients_s is None or self.busy_s is None:
            return None
        return max(self.busy_s - self.server_s - self.clients_s, 0.0)

    @property
    def busy_share(self) -> float | None:
        """The share of the CPUs' time in use, by the lab and by others."""
        if self.busy_s is None or not self.available_s:
            return None
        return self.busy_s / self.available_s


def cpu_use(measured: MeasuredRun) -> CpuUse:
    """Return the CPU time of a run on the machine of its server."""
    return _use_of(at_the_server(measured.evidence))


def _use_of(evidence: Evidence) -> CpuUse:
    balance, host = host_balance(evidence), evidence.clients.host
    known = [each for name in OF_CLIENTS if (each := balance.get(name)) is not None]
    return CpuUse(
        server_s=balance.get("server"),
        clients_s=sum(known) if known else None,
        busy_s=balance.get("busy"),
        wall_s=host.get("wall_s"),
        cpus=host.get("cpus"),
    )


Doubt = tuple[Limit, str]
"""What a trial measured instead of the server, and a sentence about it."""


def doubts(measured: MeasuredRun, limits_s: Sequence[float]) -> list[Doubt]:
    """Return why a trial does not count; ``limits_s`` are those of its percentile objectives."""
    found = [
        *_of_stopped_clients(measured),
        *_of_rules(measured),
        *_of_clients(measured, limits_s),
    ]
    return list(dict.fromkeys(found))


def _of_stopped_clients(measured: MeasuredRun) -> Iterator[Doubt]:
    """Yield that a client waited for a CPU for longer than other programs can have delayed it.

    Such a client shows no lag if it has no schedule, as users without pauses have none.
    """
    machines = evidence_by_machine(measured.evidence).values()
    for evidence in [each.evidence for each in machines] or [measured.evidence]:
        yield from _of_stopped_clients_on(evidence)


def _of_stopped_clients_on(evidence: Evidence) -> Iterator[Doubt]:
    use = _use_of(evidence)
    if use.busy_s is None or use.busy_share is None or not use.wall_s:
        return
    for replica in evidence.clients.replicas:
        waited = ratio(replica.health.run_delay_s, replica.health.wall_s) or 0.0
        competing = (use.busy_s - replica.health.cpu_s) / use.wall_s
        most = min(competing, max(use.busy_share, MOST_BESIDE_FREE_CPUS))
        if waited > max(most, 0.0) + BEYOND_COMPETITION:
            seen = f"replica {replica.number} waited for a CPU {waited:.0%} of the time"
            in_use = f"the CPUs were {use.busy_share:.0%} in use"
            yield Limit.CLIENTS, f"{seen}, though {in_use}: a quota stops it"
            return


def _of_rules(measured: MeasuredRun) -> Iterator[Doubt]:
    """Yield the rules of the scenario and the laws of measuring that the run breaks."""
    for kind, text in measured.reasons:
        if kind is ReasonKind.DISTURBED_HOST:
            yield Limit.HOST, text
        elif kind is ReasonKind.LOST_REPLICA or "client" in text:
            yield Limit.CLIENTS, text
        else:
            yield Limit.UNKNOWN, text


def _of_clients(measured: MeasuredRun, limits_s: Sequence[float]) -> Iterator[Doubt]:
    instrument, values = measured.analysis.instrument, measured.values
    if instrument.fitness is Fitness.BOTTLENECK:
        yield from ((Limit.CLIENTS, reason) for reason in instrument.reasons)
    lag_s, limit_s = values.get("schedule_lag_p99"), min(limits_s, default=None)
    if lag_s is not None and limit_s is not None and lag_s > LAG_PART * limit_s:
        lag, limit = format_value(lag_s, TIME), format_value(limit_s, TIME)
        yield Limit.CLIENTS, f"the clients were {lag} late at the 99th percentile, of {limit}"
    for error in CLIENT_ERRORS:
        if number := values.get(error):
            yield Limit.CLIENTS, f"{number:.0f} connections of the clients failed: {error}"


def doubt_of_failure(uses: Sequence[CpuUse]) -> Doubt | None:
    """Return why a load that did not hold is no limit of the server; None if it is one.

    ``uses`` are those of the valid trials at that load. Clients and other programs that share busy
    CPUs with the server take from it what they use.
    """
    busy = median_of_known([each.busy_share for each in uses])
    server_s = median_of_known([each.server_s for each in uses])
    if busy is None or server_s is None or busy < FULL:
        return None
    available_s = median_of_known([each.available_s for each in uses]) or 0.0
    most_s = max(MOST_OF_SERVER * server_s, NOTABLE * available_s)
    for what, of_each in (
        ("the clients and the lab", [each.clients_s for each in uses]),
        ("other programs", [each.others_s for each in uses]),
    ):
        used_s = median_of_known(of_each)
        if used_s is not None and used_s > most_s:
            return Limit.HOST, (
                f"the CPUs were {busy:.0%} in use, and {what} used {used_s:.2g} s of CPU time "
                f"beside {server_s:.2g} s of the server"
            )
    return None


def median_of_known(values: Sequence[float | None]) -> float | None:
    """Return the median of the values that are known, None if none is."""
    known = [each for each in values if each is not None]
    return median(known) if known else None


def median_of(figures: Sequence[Figures], name: str) -> float | None:
    """Return the median of a measure over trials, None if none has it."""
    return median_of_known([each.get(name) for each in figures])
