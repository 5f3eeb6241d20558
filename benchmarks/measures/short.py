"""Short connections a second, 64 at a time: connect, one message, its ack, close."""

from functools import partial

from benchmarks.contestants import MODELS, lab, limit, peer, with_before
from benchmarks.load import Load
from benchmarks.measures.throughput import CONNECTIONS, serve
from benchmarks.rounds import Effort, busy_notes, interleave, per_s, per_server_cpu_s
from benchmarks.tables import Table, Target

TARGETS = [
    Target(model, bound, to)
    for model in ("threaded", "prefork")
    for to, bound in (("gevent_stream", 1.0), ("threading_tcp", 3.0), ("forking_tcp", 3.0))
]


def measure(effort: Effort) -> list[Table]:
    """Return two tables, of all models and their peers; a pool has its five workers."""
    peers = [peer(name) for name in ("gevent_stream", "threading_tcp", "forking_tcp")]
    contestants, targets = [*map(lab, MODELS), *peers, limit()], TARGETS
    if effort.before:
        contestants, targets = with_before(MODELS, effort.before)
    load = Load("short", CONNECTIONS, 1, effort.seconds)
    driven = interleave(contestants, effort.rounds, partial(serve, load))
    title = f"short connections, {CONNECTIONS} at a time"
    by_cpu = per_server_cpu_s(driven)
    return [
        Table(title, "connections/s", per_s(driven), targets, busy_notes(driven)),
        Table(f"{title}, by CPU time", "connections/CPU s", by_cpu, targets),
    ]
