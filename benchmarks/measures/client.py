"""The lab's client as a load generator, beside other clients, against the server in C.

64 users, one message in flight each. All clients in Python keep every sample; the C one counts.
"""

import sys

from benchmarks.contestants import Contestant, limit
from benchmarks.load import Driven, Load, LoadError, drive, run_client
from benchmarks.measures.throughput import CONNECTIONS
from benchmarks.rounds import Effort, busy_notes, interleave, per_load_cpu_s, per_s
from benchmarks.running import Running, running
from benchmarks.tables import Table, Target

MESSAGES_PER_S = 1500  # of each user, about: all clients are to run for some `effort.seconds`
C_LOAD = "c"
TARGETS = (
    Target("lab", 0.75, C_LOAD),
    Target("lab", 0.95, "uvloop_protocol"),
    Target("lab", 3.0, "asyncio_protocol"),
)


def measure(effort: Effort) -> list[Table]:
    """Return a table of rates and one of rates per CPU second of the client."""

    def run(client: Contestant) -> Driven:
        with running(limit()) as server:
            if client.name == C_LOAD:
                return drive(Load("steady", CONNECTIONS, 1, effort.seconds), server)
            return _drive_python(client, server, round(effort.seconds * MESSAGES_PER_S))

    names = ("lab", "uvloop_protocol", "asyncio_protocol")
    contestants = [
        Contestant(name, (sys.executable, "-m", f"benchmarks.clients.{name}")) for name in names
    ]
    driven = interleave([*contestants, Contestant(C_LOAD, ())], effort.rounds, run)
    title = f"clients, {CONNECTIONS} users, 1 in flight"
    notes = busy_notes(driven)
    return [
        Table(title, "messages/s", per_s(driven), TARGETS, notes),
        Table(f"{title}, by CPU time", "messages/CPU s", per_load_cpu_s(driven), TARGETS),
    ]


def _drive_python(client: Contestant, server: Running, messages: int) -> Driven:
    command = [*client.command, str(server.port), str(CONNECTIONS), str(messages)]
    figures, used_s = run_client(command, server, messages / MESSAGES_PER_S)
    if figures["messages"] != CONNECTIONS * messages:
        raise LoadError(f"{client.name}: {figures}")
    seconds = figures["seconds"]
    return Driven(figures["messages"] / seconds, -1, -1, figures["busy"], used_s / seconds)
