"""The key ``faults`` of a scenario: what is done to the server or the network, and when."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

from faultproxy.toxic_spec import STREAMS, ToxicSpecError, read_toxic_specs
from faultproxy.toxics import TOXICS
from labkit.protocol.parsing import parse_duration_s
from orchestrator.scenario.client_place import HostName
from orchestrator.scenario.fields import (
    WorkerChoice,
    duration_between,
    invalid_value,
    number_between,
    one_of,
    whole,
)
from orchestrator.scenario.server import Section

PAUSE, KILL_WORKER, RELOAD, TERMINATE, KILL, CPU_LIMIT, DISCONNECT, FILL_BACKLOG = FAULTS = (
    "pause", "kill-worker", "reload", "terminate", "kill", "cpu-limit", "disconnect",
    "fill-backlog",
)  # fmt: skip
DISCONNECT_HOST = "disconnect-host"
LASTING = (PAUSE, CPU_LIMIT, DISCONNECT, FILL_BACKLOG, DISCONNECT_HOST, *TOXICS)
"""Faults that need an end, given by ``lasts``."""

KINDS = (*FAULTS, DISCONNECT_HOST, *TOXICS)
"""All faults: of the server, of a host of clients, and of the network, by the fault proxy."""

OVER_BY_ITSELF = {
    KILL_WORKER: "the server itself replaces a killed worker",
    RELOAD: "a reload is over when all workers are replaced",
}
"""Faults that cannot have ``lasts``, and why."""

KILLING = (KILL_WORKER, KILL)
"""Faults that end a process at once, so that log lines in its buffer are lost."""

ENDING = (TERMINATE, KILL)
"""Faults that end the server; if they have ``lasts``, it is started again after that time."""

ONLY_WITH = {
    "worker": KILL_WORKER,
    "cpus": CPU_LIMIT,
    "crowd": FILL_BACKLOG,
    "host": DISCONNECT_HOST,
}
"""Keys that only one kind of fault has."""

MAX_FAULTS = 20
MAX_CROWD = 10_000


class Fault(Section):
    """One fault; ``at`` counts from the start of the load."""

    at: Annotated[str, duration_between("0s", "60m")]
    fault: Annotated[str, one_of(*KINDS)]
    lasts: Annotated[str, duration_between("1ms", "60m")] | None = None
    worker: WorkerChoice | None = None
    cpus: Annotated[float, number_between(0.01, 256)] | None = None
    crowd: Annotated[int, whole(1, MAX_CROWD)] | None = None
    host: HostName | None = None
    stream: Annotated[str, one_of(*STREAMS)] | None = None
    toxicity: Annotated[float, number_between(0, 1)] | None = None
    attributes: dict[str, str | int | float] | None = None

    @property
    def at_s(self) -> float:
        """The time at which it begins, in seconds from the start."""
        return parse_duration_s(self.at)

    @property
    def lasts_s(self) -> float:
        """How long it lasts in seconds; 0 if it has no end."""
        return parse_duration_s(self.lasts) if self.lasts else 0.0

    @property
    def end_s(self) -> float:
        """The time at which it ends, in seconds from the start."""
        return self.at_s + self.lasts_s

    def toxic(self, name: str) -> dict[str, Any]:
        """Return the toxic called ``name`` for the fault proxy; see faultproxy/README.md."""
        written = {"stream": self.stream, "toxicity": self.toxicity, "attributes": self.attributes}
        given = {key: value for key, value in written.items() if value is not None}
        return {"name": name, "type": self.fault, **given}

    def against(self, workers: int, backlog: int) -> "Fault":
        """Return the fault with the values that depend on the settings of its server.

        An accept queue holds one more than its backlog (listen(2), and Linux's
        ``sk_acceptq_is_full``), and each worker takes one from it.
        """
        if self.fault != FILL_BACKLOG or self.crowd is not None:
            return self
        return self.model_copy(update={"crowd": min(workers + backlog + 1, MAX_CROWD)})


def are_proxied(faults: Iterable[Fault]) -> bool:
    """Return whether the connections of the clients must go through the fault proxy."""
    return any(fault.fault in TOXICS for fault in faults)


def check_faults(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Refuse more than `MAX_FAULTS`."""
    if len(faults) > MAX_FAULTS:
        raise invalid_value(f"{len(faults)} faults; allowed: at most {MAX_FAULTS}")
    return faults


def fault_violations(fault: Fault, timeout_s: float) -> Iterator[tuple[str, str]]:
    """Yield the rules that a fault breaks: the key and the message."""
    if fault.fault in LASTING and fault.lasts is None:
        yield "fault", f"{fault.fault} needs an end; write e.g. lasts: 500ms"
    if fault.fault in OVER_BY_ITSELF and fault.lasts is not None:
        yield "lasts", f"{OVER_BY_ITSELF[fault.fault]}; leave this out"
    if fault.fault == CPU_LIMIT and fault.cpus is None:
        yield "fault", "the limit is missing; write e.g. cpus: 0.5"
    if fault.fault == DISCONNECT_HOST and fault.host is None:
        yield "fault", "the host is missing; write its name in the hosts file, e.g. host: laptop"
    for key, kind in ONLY_WITH.items():
        if fault.fault != kind and getattr(fault, key) is not None:
            yield key, f"allowed with {kind} only"
    yield from _toxic_violations(fault)
    if fault.end_s >= timeout_s:
        yield "at", f"it ends at {fault.end_s:g}s, but timeout ends the load at {timeout_s:g}s"


def without_reload(
    fault: Fault, models: Iterable[str], reloading: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield that some of ``models`` have no worker processes for ``fault`` to replace.

    Those in ``reloading`` have.
    """
    lacking = [model for model in models if model not in reloading]
    if fault.fault == RELOAD and lacking:
        has = "has" if len(lacking) == 1 else "have"
        yield (
            "fault",
            f"reload replaces worker processes one at a time; {', '.join(lacking)} {has} none. "
            f"Models that reload: {', '.join(reloading) or 'none'}; write only those in models",
        )


def _toxic_violations(fault: Fault) -> Iterator[tuple[str, str]]:
    if fault.fault not in TOXICS:
        for key in ("stream", "toxicity", "attributes"):
            if getattr(fault, key) is not None:
                yield key, f"allowed with {', '.join(TOXICS)} only"
        return
    try:
        read_toxic_specs([fault.toxic(fault.fault)])
    except ToxicSpecError as exc:
        for line in str(exc).splitlines():
            key = "fault" if fault.attributes is None else "attributes"
            yield key, line.partition(": ")[2].removeprefix("attributes: ")
