"""What the event log costs: the throughput of `epoll` at each level, written to a file as JSON."""

from functools import partial

from benchmarks.contestants import lab
from benchmarks.load import Load
from benchmarks.measures.throughput import CONNECTIONS, serve
from benchmarks.rounds import Effort, busy_notes, interleave, per_s, per_server_cpu_s
from benchmarks.tables import Table, Target

LEVELS = ("lifecycle", "connections", "trace")
TARGETS = {
    1: (Target("connections", 0.98, "lifecycle"), Target("trace", 0.8, "lifecycle")),
    16: (),
}


def measure(effort: Effort) -> list[Table]:
    """Return a table for each number of messages in flight."""
    contestants = [lab("epoll", level, LAB_LOG_LEVEL=level) for level in LEVELS]
    tables: list[Table] = []
    for in_flight, targets in TARGETS.items():
        load = Load("steady", CONNECTIONS, in_flight, effort.seconds)
        driven = interleave(contestants, effort.rounds, partial(serve, load))
        title = f"epoll by log level, {in_flight} in flight"
        by_cpu = per_server_cpu_s(driven)
        tables += [
            Table(title, "messages/s", per_s(driven), targets, busy_notes(driven)),
            Table(f"{title}, by CPU time", "messages/CPU s", by_cpu, targets),
        ]
    return tables
