"""The evidence of one run: everything that was recorded, before it is analysed."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from faultproxy.toxics import TOXICS
from labkit.clock import Clock
from orchestrator.measures.percentiles import Percentiles
from orchestrator.results.client_samples import ClientRun
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.kernel_log import KernelLog
from orchestrator.results.proxy_log import ProxyLog
from orchestrator.results.server_log import ServerLog
from orchestrator.scenario.faults import KILL, KILL_WORKER, KILLING


@dataclass(frozen=True)
class Evidence:
    """Everything that was recorded of one run, and what was configured.

    ``inputs`` are the configured measures by name; ``planned`` the number of messages of each
    group, None if it depends on the run; ``open_groups`` the names of open loops.
    ``is_one_at_a_time``: each worker of the model serves one message at a time.
    ``has_event_log``: the server wrote an event log; a target may not.
    ``waiting`` are the names of the groups whose clients wait for each ack before they send again.
    ``loads`` are the planned begin and end of the load of each group, in seconds from the start;
    the end is None if the load ends with its messages. ``deadlines`` are those of the groups that
    have one, in seconds.
    ``out_of_memory``: the containers in which the kernel killed a process, with their limits.
    ``stop_asked_ns`` is when the lab began to stop the server, and ``server_ends_ns`` when its
    program ended, as far as its backend noticed. ``connections_of_lab`` is how many connections the
    lab opened besides its clients. Messages due within ``warmup_s`` of the start do not count.
    ``percentiles`` are those that are measured besides the usual ones. ``interpreter`` is the one
    that was requested for the server, None if none was.
    ``is_one_host``: all programs ran on one host. ``lab_clock`` is the clock of what the
    orchestrator recorded, None if unknown. ``clock_bound_ns`` is the error of the clients' instants
    on the server's clock, 0 if they have the same. ``last_end_ns`` is when the last client of the
    run ended if ``clients`` are only some of them.
    """

    inputs: Mapping[str, float]
    clients: ClientRun
    log: ServerLog
    server_exit_code: int | None
    planned: Mapping[str, int | None] = field(default_factory=dict)
    open_groups: AbstractSet[str] = frozenset()
    waiting: AbstractSet[str] = frozenset()
    loads: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    deadlines: Mapping[str, float] = field(default_factory=dict)
    warmup_s: float = 0.0
    has_event_log: bool = True
    is_one_at_a_time: bool = False
    faults: tuple[FaultRecord, ...] = ()
    proxy: ProxyLog = field(default_factory=ProxyLog)
    kernel: KernelLog = field(default_factory=KernelLog)
    out_of_memory: tuple[str, ...] = ()
    stop_asked_ns: int | None = None
    server_ends_ns: tuple[int, ...] = ()
    connections_of_lab: int = 0
    percentiles: Percentiles = field(default_factory=dict)
    interpreter: str | None = None
    is_one_host: bool = True
    lab_clock: Clock | None = None
    clock_bound_ns: int = 0
    last_end_ns: int | None = None

    @property
    def load_end_ns(self) -> int:
        """When the last client ended."""
        ends = (each.end_ns for each in self.clients.replicas)
        own_ns = max(ends, default=self.clients.start_ns)
        return own_ns if self.last_end_ns is None else self.last_end_ns

    @property
    def is_proxied(self) -> bool:
        """Whether the fault proxy stood between clients and server."""
        return any(each.fault in TOXICS for each in self.faults)

    @property
    def stopping_ns(self) -> int:
        """When the lab began to stop the server; in older results, when the clients had ended."""
        ends = (each.end_ns for each in self.clients.replicas)
        return max(ends, default=0) if self.stop_asked_ns is None else self.stop_asked_ns

    @property
    def unexplained_gaps(self) -> list[str]:
        """The gaps of the server's log that no fault explains."""
        effective = [each.fault for each in self.faults if each.effect_ns is not None]
        return self.log.gaps_besides(
            kills=effective.count(KILL), is_worker_killed=KILL_WORKER in effective
        )

    @property
    def is_log_truncated(self) -> bool:
        """Whether a fault killed a process of the server, so that its last lines may be missing."""
        return any(each.fault in KILLING and each.effect_ns is not None for each in self.faults)
