"""Messages a second over 64 connections that stay, without service time, 1 and 16 in flight.

A pool has a worker for each connection, which it serves to its end. A model that serves one at a
time is not here: 63 of the 64 connections would wait for ever. Its measure is `short`.
"""

from collections.abc import Iterator
from functools import partial

from benchmarks.contestants import MODELS, Contestant, lab, limit, peer, with_before
from benchmarks.load import Driven, Load, drive
from benchmarks.rounds import Effort, busy_notes, interleave, per_s, per_server_cpu_s
from benchmarks.running import running
from benchmarks.tables import Table, Target

CONNECTIONS = 64
WORKERS = {"pools": CONNECTIONS}
"""How many workers a model has, by its group; the others have none, or their default."""
TARGETS = {
    1: [
        Target("epoll", 1.0, "uvloop_protocol"),
        Target("epoll", 3.0, "asyncio_protocol"),
        Target("epoll", 0.9, "c"),
    ],
    16: [Target("epoll", 1.0, "uvloop_protocol")],
}


def measure(effort: Effort) -> list[Table]:
    """Return a table for each number of messages in flight."""
    contestants = [
        *_models(), limit(), peer("uvloop_protocol"), peer("asyncio_protocol"),
        peer("asyncio_streams"), peer("gevent_stream"),
    ]  # fmt: skip
    wanted = TARGETS
    if effort.before:
        contestants, targets = with_before(["epoll"], effort.before)
        wanted = dict.fromkeys(TARGETS, targets)
    tables: list[Table] = []
    for in_flight, targets in wanted.items():
        load = Load("steady", CONNECTIONS, in_flight, effort.seconds)
        driven = interleave(contestants, effort.rounds, partial(serve, load))
        title = f"throughput, {CONNECTIONS} connections, {in_flight} in flight"
        by_cpu = per_server_cpu_s(driven)
        tables += [
            Table(title, "messages/s", per_s(driven), targets, busy_notes(driven)),
            Table(f"{title}, by CPU time", "messages/CPU s", by_cpu, targets),
        ]
    return tables


def _models() -> Iterator[Contestant]:
    for model, group in MODELS.items():
        if group != "one at a time":
            workers = WORKERS.get(group)
            yield lab(model, **({} if workers is None else {"LAB_WORKERS": str(workers)}))


def serve(load: Load, contestant: Contestant) -> Driven:
    """Return how a fresh process of ``contestant`` bears ``load``."""
    with running(contestant) as server:
        return drive(load, server)
