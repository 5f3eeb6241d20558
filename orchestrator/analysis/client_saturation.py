"""Whether the measuring instrument, rather than the server, set the figures of a run.

The rules, and why these:

- A replica that used 90% of a core or more, over half a second or longer, had no time left to be
  late in: whatever came faster, it could not have seen. It was the **bottleneck**. A client that is
  kept from its core by others has a lower share; that shows as lag.
- Lag is an error of what is measured, for what is taken up late is sent late or thought too long.
  A 99th percentile above 10 ms and above a fifth of the 99th percentile of response time distorts
  that figure beyond use: **bottleneck**. Above 1 ms and a tenth of the median, somebody should
  know: **strained**.
- The 99th percentile of fewer than `MIN_LAGS` lags is their maximum, one hiccup of the host; no
  verdict rests on it.
"""

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.analysis.statistics import Figures, ratio
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.results.client_samples import Replica, ReplicaHealth
from orchestrator.results.summary import Fitness, Instrument

FULL_CPU_SHARE = 0.9
MIN_WINDOW_S = 0.5
MIN_LAGS = 200
DISTORTING_LAG_S, DISTORTING_PART = 0.010, 0.20
NOTABLE_LAG_S, NOTABLE_PART = 0.001, 0.10

Finding = tuple[Fitness, str]


def examine(replicas: Sequence[Replica], groups: Mapping[str, Figures]) -> Instrument:
    """Return how the clients fared; ``groups`` are the figures of each replica's group by name."""
    found = [each for r in replicas for each in _examine(r, groups[r.group])]
    worst = max((fitness for fitness, _ in found), default=Fitness.OK, key=list(Fitness).index)
    return Instrument(fitness=worst, reasons=[reason for _, reason in found])


def bottlenecks(replicas: Sequence[Replica], groups: Mapping[str, Figures]) -> list[int]:
    """Return the numbers of the replicas that, rather than the server, set the figures."""
    return [
        replica.number
        for replica in replicas
        if any(fit is Fitness.BOTTLENECK for fit, _ in _examine(replica, groups[replica.group]))
    ]


def _examine(replica: Replica, of_group: Figures) -> Iterator[Finding]:
    health, name = replica.health, f"replica {replica.number}"
    share = ratio(health.cpu_s, health.wall_s) or 0.0
    if health.wall_s >= MIN_WINDOW_S and share >= FULL_CPU_SHARE:
        yield Fitness.BOTTLENECK, f"{name} used {share:.0%} of a core, all that one thread can"
    lag = _examine_lag(health, of_group)
    if lag:
        yield lag[0], f"{name} was late by {lag[1]}"


def _examine_lag(health: ReplicaHealth, of_group: Figures) -> Finding | None:
    """Return what its lag, set against the response times of its group, means; None if nothing."""
    if health.lag_p99_ns is None or health.lags < MIN_LAGS:
        return None
    lag_s = health.lag_p99_ns / 1e9
    p50_s, p99_s = (of_group[f"response_time_{each}"] or 0.0 for each in ("p50", "p99"))
    told = f"{format_value(lag_s, TIME)} at the 99th percentile, with response times of"
    if lag_s > DISTORTING_LAG_S and lag_s > DISTORTING_PART * p99_s:
        return Fitness.BOTTLENECK, f"{told} {format_value(p99_s, TIME)} there"
    if lag_s > NOTABLE_LAG_S and lag_s > NOTABLE_PART * p50_s:
        return Fitness.STRAINED, f"{told} {format_value(p50_s, TIME)} at the median"
    return None
