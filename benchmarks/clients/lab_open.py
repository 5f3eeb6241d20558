"""The lab's client in an open loop, over a pool of connections, as a replica runs it."""

import json
import math
import os
import sys
import time
from collections.abc import Iterable

from benchmarks.clients.lab import task_of
from benchmarks.clients.result import used_cpu_s
from benchmarks.machine import waited_s
from client.load import make_loop
from client.system import minimize_timer_slack
from labkit.wire.samples import rows
from labkit.workload.load_order import OPEN, GroupOrder

QUANTILES = {"p50": 0.5, "p99": 0.99}
WARM_UP = 10  # one part of so many is not counted, as in native/load.c


def main(port: int, connections: int, rate: float, seconds: float) -> None:
    """Run the load and print its figures."""
    group = GroupOrder(
        "clients", 1, OPEN, initial=rate, stages=((seconds, rate),), connections=connections
    )
    load = make_loop(task_of(port, group))
    minimize_timer_slack()
    begun_cpu_s, waited_before_s = used_cpu_s(), waited_s(os.getpid())
    begun_ns = time.monotonic_ns()
    load.run(begun_ns)
    took_s = (time.monotonic_ns() - begun_ns) / 1e9
    used_s, lost_s = used_cpu_s() - begun_cpu_s, waited_s(os.getpid()) - waited_before_s
    acked, planned = load.recorder.acked, load.task.share.planned or 0
    skipped = planned // WARM_UP
    sent = sorted(rows(load.recorder.packed()[0]), key=lambda row: row.message)[skipped:]
    figures = {
        "messages": acked, "seconds": took_s, "failed": planned - acked, "busy": used_s / took_s,
        "waited": lost_s / took_s,
        **_quantiles_us("", (row.ended_ns - row.due_ns for row in sent)),
        **_quantiles_us("lag_", load.lags_ns[skipped:]),
    }  # fmt: skip
    sys.stdout.write(json.dumps(figures) + "\n")


def _quantiles_us(prefix: str, values_ns: Iterable[int]) -> dict[str, float]:
    """Return the nearest-rank quantiles."""
    ordered = sorted(values_ns)
    return {
        f"{prefix}{name}_us": ordered[math.ceil(q * len(ordered)) - 1] / 1e3
        for name, q in QUANTILES.items()
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
