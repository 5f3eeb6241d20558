"""Faults that a scenario puts on a run's timeline: when, which, for how long."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from faultproxy.toxic_spec import STREAMS, ToxicSpecError, read_toxic_specs
from faultproxy.toxics import TOXICS
from labkit.protocol.parsing import parse_duration_s
from orchestrator.scenario.fields import (
    Worker,
    complaint,
    duration_between,
    number_between,
    one_of,
    whole,
)
from orchestrator.scenario.server import Section

PAUSE, KILL_WORKER, TERMINATE, KILL, CPU_LIMIT, DISCONNECT, FILL_BACKLOG = FAULTS = (
    "pause", "kill-worker", "terminate", "kill", "cpu-limit", "disconnect", "fill-backlog",
)  # fmt: skip
LASTING = (PAUSE, CPU_LIMIT, DISCONNECT, FILL_BACKLOG, *TOXICS)
"""Those that must end, after ``lasts``."""

KINDS = (*FAULTS, *TOXICS)
"""All: those of a server, and those of the network, which the fault proxy brings about."""

KILLING = (KILL_WORKER, KILL)
"""Those that take a process away without a word, and with it the log lines it had not written."""

ENDING = (TERMINATE, KILL)
"""Those after which nobody serves, unless they last: then the server is started again."""

MAX_FAULTS = 20
MAX_CROWD = 10_000


class Fault(Section):
    """One fault; ``at`` counts from the common start of the load."""

    at: Annotated[str, duration_between("0s", "60m")]
    fault: Annotated[str, one_of(*KINDS)]
    lasts: Annotated[str, duration_between("1ms", "60m")] | None = None
    worker: Worker | None = None
    cpus: Annotated[float, number_between(0.01, 256)] | None = None
    crowd: Annotated[int, whole(1, MAX_CROWD)] | None = None
    stream: Annotated[str, one_of(*STREAMS)] | None = None
    toxicity: Annotated[float, number_between(0, 1)] | None = None
    attributes: dict[str, str | int | float] | None = None

    @property
    def at_s(self) -> float:
        """When, in seconds from the start."""
        return parse_duration_s(self.at)

    @property
    def lasts_s(self) -> float:
        """How long, in seconds; 0 for what has no end."""
        return parse_duration_s(self.lasts) if self.lasts else 0.0

    @property
    def end_s(self) -> float:
        """When it is over, in seconds from the start."""
        return self.at_s + self.lasts_s

    @property
    def toxic(self) -> dict[str, Any]:
        """What to ask of the fault proxy; see faultproxy/README.md."""
        written = {"stream": self.stream, "toxicity": self.toxicity, "attributes": self.attributes}
        given = {key: value for key, value in written.items() if value is not None}
        return {"name": f"{self.fault} at {self.at}", "type": self.fault, **given}

    def against(self, workers: int, backlog: int) -> "Fault":
        """Return it with all that it leaves to the server it is done to.

        An accept queue holds one more than its backlog (listen(2), and Linux's
        ``sk_acceptq_is_full``), and each worker takes one from it.
        """
        if self.fault != FILL_BACKLOG or self.crowd is not None:
            return self
        return self.model_copy(update={"crowd": min(workers + backlog + 1, MAX_CROWD)})


def are_proxied(faults: Iterable[Fault]) -> bool:
    """Tell whether the fault proxy is to stand between clients and server, from the start on."""
    return any(fault.fault in TOXICS for fault in faults)


def check_faults(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Refuse too many."""
    if len(faults) > MAX_FAULTS:
        raise complaint(f"{len(faults)} faults; allowed: at most {MAX_FAULTS}")
    return faults


def breaches_of(fault: Fault, timeout_s: float) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a fault, whose parts are each allowed: the key, and why."""
    if fault.fault in LASTING and fault.lasts is None:
        yield "fault", f"{fault.fault} needs an end; write e.g. lasts: 500ms"
    if fault.fault == KILL_WORKER and fault.lasts is not None:
        yield "lasts", "a worker that was killed is the server's own to replace; leave this out"
    if fault.fault != KILL_WORKER and fault.worker is not None:
        yield "worker", f"this goes with {KILL_WORKER} only"
    if fault.fault == CPU_LIMIT and fault.cpus is None:
        yield "fault", "cpu-limit needs how much; write e.g. cpus: 0.5"
    if fault.fault != CPU_LIMIT and fault.cpus is not None:
        yield "cpus", f"this goes with {CPU_LIMIT} only"
    if fault.fault != FILL_BACKLOG and fault.crowd is not None:
        yield "crowd", f"this goes with {FILL_BACKLOG} only"
    yield from _breaches_of_toxic(fault)
    if fault.end_s >= timeout_s:
        yield "at", f"it is over at {fault.end_s:g}s, and timeout ends the load at {timeout_s:g}s"


def _breaches_of_toxic(fault: Fault) -> Iterator[tuple[str, str]]:
    if fault.fault not in TOXICS:
        for key in ("stream", "toxicity", "attributes"):
            if getattr(fault, key) is not None:
                yield key, f"this goes with {', '.join(TOXICS)} only"
        return
    try:
        read_toxic_specs([fault.toxic])
    except ToxicSpecError as exc:
        for line in str(exc).splitlines():
            key = "fault" if fault.attributes is None else "attributes"
            yield key, line.partition(": ")[2].removeprefix("attributes: ")
