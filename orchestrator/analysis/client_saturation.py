"""Whether the clients limited the measures of a run, instead of the server.

- A replica that used 90% of a core or more, for half a second or longer, could not keep up: it was
  the **bottleneck**. A client that other programs keep from its core has a lower share, and lags.
- A lag distorts what is measured, because a late client sends late or thinks too long. A 99th
  percentile above 10 ms and above a fifth of the 99th percentile of the response time makes that
  figure useless: **bottleneck**. Above 1 ms and a tenth of the median is worth a remark:
  **strained**.
- The 99th percentile of fewer than `MIN_LAGS` lags is their maximum, perhaps one pause of the host,
  so it does not count.
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

_Assessment = tuple[Fitness, str]


def assess_clients(replicas: Sequence[Replica], groups: Mapping[str, Figures]) -> Instrument:
    """Return how fit the clients were; ``groups`` are the figures of each group by name."""
    assessments = [each for r in replicas for each in _assess(r, groups[r.group])]
    worst = max(
        (fitness for fitness, _ in assessments), default=Fitness.OK, key=list(Fitness).index
    )
    return Instrument(fitness=worst, reasons=[reason for _, reason in assessments])


def find_bottlenecks(replicas: Sequence[Replica], groups: Mapping[str, Figures]) -> list[int]:
    """Return the numbers of the replicas that were a bottleneck."""
    return [
        replica.number
        for replica in replicas
        if any(fit is Fitness.BOTTLENECK for fit, _ in _assess(replica, groups[replica.group]))
    ]


def _assess(replica: Replica, of_group: Figures) -> Iterator[_Assessment]:
    health, name = replica.health, f"replica {replica.number}"
    share = ratio(health.cpu_s, health.wall_s) or 0.0
    if health.wall_s >= MIN_WINDOW_S and share >= FULL_CPU_SHARE:
        yield (
            Fitness.BOTTLENECK,
            f"{name} used {share:.0%} of a core; its one thread can use no more",
        )
    lag = _assess_lag(health, of_group)
    if lag:
        yield lag[0], f"{name} had a schedule lag of {lag[1]}"


def _assess_lag(health: ReplicaHealth, of_group: Figures) -> _Assessment | None:
    """Compare its lag with the response times of its group; return None if it is small."""
    if health.lag_p99_ns is None or health.lags < MIN_LAGS:
        return None
    lag_s = health.lag_p99_ns / 1e9
    p50_s, p99_s = (
        of_group[f"response_time_{each}"] or of_group["response_time_max"] or 0.0
        for each in ("p50", "p99")
    )
    lag = f"{format_value(lag_s, TIME)} at the 99th percentile; the response time's"
    if lag_s > DISTORTING_LAG_S and lag_s > DISTORTING_PART * p99_s:
        return Fitness.BOTTLENECK, f"{lag} is {format_value(p99_s, TIME)}"
    if lag_s > NOTABLE_LAG_S and lag_s > NOTABLE_PART * p50_s:
        return Fitness.STRAINED, f"{lag} median is {format_value(p50_s, TIME)}"
    return None
