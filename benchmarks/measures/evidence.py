"""What the kernel's evidence costs: `epoll` without service time, with a probe and without.

The probe is the program, and the pace, of a case; it is pinned to no core, as in a case.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.contestants import Contestant, lab
from benchmarks.load import Driven, Load, drive
from benchmarks.machine import ROOT
from benchmarks.measures.throughput import CONNECTIONS
from benchmarks.rounds import Effort, busy_notes, interleave, per_s, per_server_cpu_s
from benchmarks.running import Running, running
from benchmarks.tables import Table, Target

ALONE, PROBED = "alone", "probed"
ROUNDS_EACH = 4
"""For each of the effort: 2% is less than what two single rounds differ by anyhow."""


def measure(effort: Effort) -> list[Table]:
    """Return the rates, and those by the server's CPU time, with the probe and without it."""
    load = Load("steady", CONNECTIONS, 1, effort.seconds)
    contestants = [lab("epoll", name) for name in (ALONE, PROBED)]
    driven = interleave(contestants, ROUNDS_EACH * effort.rounds, partial(_serve, load))
    title = f"epoll, {CONNECTIONS} connections, 1 in flight, looked at by a probe"
    target = (Target(PROBED, 0.98, ALONE),)
    return [
        Table(title, "messages/s", per_s(driven), target, busy_notes(driven)),
        Table(f"{title}, by CPU time", "messages/CPU s", per_server_cpu_s(driven), target),
    ]


def _serve(load: Load, contestant: Contestant) -> Driven:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(contestant))
        if contestant.name == PROBED:
            stack.enter_context(_probing(server))
        return drive(load, server)


@contextlib.contextmanager
def _probing(server: Running) -> Iterator[None]:
    """Have a probe look at ``server`` from now on; it has looked once when this returns."""
    with subprocess.Popen(  # noqa: S603 our own program
        [sys.executable, "-S", "-E", "-m", "probe", str(server.pid), str(server.port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as probe:
        next(iter(probe.stdout or ()))
        yield
        probe.communicate()
