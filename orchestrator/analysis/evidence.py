"""All that is known of one case, before anything is concluded from it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from faultproxy.toxics import TOXICS
from orchestrator.results.client_samples import ClientRun
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.kernel_log import KernelLog
from orchestrator.results.server_log import ServerLog
from orchestrator.scenario.faults import KILLING


@dataclass(frozen=True)
class Evidence:
    """All that is known of one case.

    ``inputs`` are its configured measures by name; ``planned`` how many messages each group was to
    send, None where only the run could tell; ``open_groups`` are those that are open loops.
    ``is_one_at_a_time`` is whether the model promises that a worker serves one message at a time.
    ``is_told`` is whether the server wrote an event log; else it alone knows what it did.
    What is due within ``warmup_s`` of the start does not count into the figures.
    """

    inputs: Mapping[str, float]
    clients: ClientRun
    log: ServerLog
    server_exit_code: int | None
    planned: Mapping[str, int | None] = field(default_factory=dict)
    open_groups: AbstractSet[str] = frozenset()
    warmup_s: float = 0.0
    is_told: bool = True
    is_one_at_a_time: bool = False
    faults: tuple[FaultRecord, ...] = ()
    kernel: KernelLog = field(default_factory=KernelLog)

    @property
    def is_proxied(self) -> bool:
        """Whether the fault proxy stood between clients and server."""
        return any(each.fault in TOXICS for each in self.faults)

    @property
    def is_log_cut(self) -> bool:
        """Whether a process was killed on purpose, and with it lines that it had not written."""
        return any(each.fault in KILLING and each.effect_ns is not None for each in self.faults)
