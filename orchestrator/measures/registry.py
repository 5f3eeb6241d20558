"""The registry of all measures: those that a scenario sets and those that a run measures.

A measure has a name for expectations, a dimension, a meaning, and a key in ``summary.json``, which
ends in the unit. To add a measure, add a line here and compute it in ``orchestrator.analysis``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, Dimension
from orchestrator.measures.percentiles import FORM, Percentiles, share_of, split_percentile
from orchestrator.measures.stages import MEASURES_OF_STAGES

_SUFFIXES = {COUNT: "", TIME: "_s", SIZE: "_bytes", RATE: "_per_s"}


@dataclass(frozen=True)
class Measure:
    """A number that an expectation may name: an ``input`` of the scenario, or ``measured``.

    ``is_of_group`` is true if each client group has its own value: ``slow.response_time_p99``.
    """

    name: str
    dimension: Dimension
    meaning: str
    kind: Literal["input", "measured"] = "measured"
    is_of_group: bool = False

    @property
    def key(self) -> str:
        """The key in ``summary.json``: the name with its unit, ``makespan_s``."""
        return self.name + _SUFFIXES[self.dimension]


def _input(name: str, dimension: Dimension, meaning: str) -> Measure:
    return Measure(name, dimension, meaning, "input")


def _of_group(name: str, dimension: Dimension, meaning: str) -> Measure:
    return Measure(name, dimension, meaning, is_of_group=True)


_REGISTRY = (
    _input("users", COUNT, "largest number of users at once in closed groups"),
    _input("replicas", COUNT, "client replicas that share the load"),
    _input("messages", COUNT, "messages that each user sends, if the scenario sets it"),
    _input("arrival_rate", RATE, "mean rate of the arrivals of open groups, while there are any"),
    _input("duration", TIME, "duration of the load, if the scenario sets it"),
    _input("connections", COUNT, "connections of pools; no value if each arrival has its own"),
    _input("workers", COUNT, "most processes or threads that serve; 1 for single and for one loop"),
    _input("backlog", COUNT, "argument of listen"),
    _input("cpus", COUNT, "CPUs that the server may use, if cpus or cpuset limits them"),
    _input("memory_limit", SIZE, "memory that the server's container may use, if limited"),
    _input("service_time", TIME, "mean demand of a message, of all parts, or the server's default"),
    _input("think_time", TIME, "mean pause of a user between an ack and its next message"),
    _input("offered_load", COUNT, "arrival rate times service time: workers needed to keep up"),
    _of_group("makespan", TIME, "time from the start (after warm-up) to the last ack or failure"),
    _of_group("throughput", RATE, "acks per second in the window of the load"),
    _of_group("goodput", RATE, "acks within their group's deadline per second, if it has one"),
    _of_group("unanswered", COUNT, "share of the messages sent (after warm-up) without an ack"),
    _of_group("response_time_mean", TIME, "mean time from due to acked"),
    _of_group("response_time_sd", TIME, "standard deviation of the time from due to acked"),
    _of_group("response_time_p50", TIME, "median time from due to acked"),
    _of_group("response_time_p90", TIME, "90th percentile of the time from due to acked"),
    _of_group("response_time_p99", TIME, "99th percentile of the time from due to acked"),
    _of_group("response_time_p999", TIME, "99.9th percentile of the time from due to acked"),
    _of_group("response_time_max", TIME, "longest time from due to acked"),
    _of_group("exchange_time_mean", TIME, "mean time from sent to acked, without the send delay"),
    _of_group("exchange_time_p50", TIME, "median time from sent to acked"),
    _of_group("exchange_time_p90", TIME, "90th percentile of the time from sent to acked"),
    _of_group("exchange_time_p99", TIME, "99th percentile of the time from sent to acked"),
    _of_group("exchange_time_max", TIME, "longest time from sent to acked"),
    _of_group("send_delay_p50", TIME, "median time from due to sent"),
    _of_group("send_delay_p99", TIME, "99th percentile of the time from due to sent"),
    _of_group("send_delay_max", TIME, "longest time from due to sent"),
    _of_group("waiting_time_mean", TIME, "mean time from due until service begins"),
    _of_group("first_service_wait_p50", TIME, "median wait of a user for its first service"),
    _of_group("first_service_wait_max", TIME, "longest wait of a user for its first service"),
    _of_group("peak_in_service", COUNT, "most messages in service at one instant"),
    _of_group("connected", COUNT, "connections established, accepted by the server or not"),
    Measure("never_accepted", COUNT, "connections established that the server never accepted"),
    Measure("accept_queue_reset", COUNT, "connections reset in the accept queue of a listener"),
    Measure("accept_queue_migrated", COUNT, "connections moved to another listener's accept queue"),
    _of_group("connect_time_p50", TIME, "median time to establish a connection"),
    _of_group("connect_time_p99", TIME, "99th percentile of the time to establish a connection"),
    _of_group("connect_time_max", TIME, "longest time to establish a connection"),
    _of_group("accept_wait_p50", TIME, "median time from established to accepted by the server"),
    _of_group("accept_wait_max", TIME, "longest time from established to accepted by the server"),
    _of_group("queue_wait_p50", TIME, "median time of a connection in the model's own queue"),
    _of_group("queue_wait_max", TIME, "longest time of a connection in the model's own queue"),
    _of_group("sent", COUNT, "messages sent"),
    _of_group("acked", COUNT, "messages acknowledged"),
    _of_group("failed", COUNT, "messages sent whose ack did not come: an error or a time-out"),
    _of_group("unsent", COUNT, "messages planned but never sent"),
    _of_group("in_flight", COUNT, "messages that the client itself left without an ack"),
    _of_group("retries", COUNT, "times that a message was sent again after a time-out"),
    _of_group("dropped", COUNT, "arrivals of open groups that could not be sent"),
    _of_group("errors", COUNT, "errors of every kind together"),
    _of_group("refused", COUNT, "connections refused"),
    _of_group("reset", COUNT, "connections reset by the server"),
    _of_group("timed_out", COUNT, "connects and acks that exceeded their timeout"),
    _of_group("closed_early", COUNT, "connections closed before all messages were acknowledged"),
    _of_group("bad_reply", COUNT, "answers that were not an ack"),
    _of_group("surplus_reply", COUNT, "connections on which the server sent unrequested bytes"),
    _of_group("unreachable", COUNT, "connections that failed because there was no route"),
    _of_group("exhausted", COUNT, "connections without a free port or descriptor in the client"),
    Measure("connections_per_worker_min", COUNT, "fewest connections served by one worker"),
    Measure("connections_per_worker_max", COUNT, "most connections served by one worker"),
    Measure("workers_used", COUNT, "workers that took at least one connection"),
    Measure("worker_deaths", COUNT, "workers that ended while the server was meant to serve"),
    Measure("workers_replaced", COUNT, "workers that a reload has replaced by new ones"),
    Measure("cpu_time", TIME, "user and system CPU time of all processes of the server"),
    Measure(
        "cpu_time_per_message",
        TIME,
        "CPU time of the server per ack, from when it listened to its end",
    ),
    Measure(
        "process_control_cpu_time",
        TIME,
        "CPU time of the server above that of single for the same messages, within a round",
    ),
    Measure(
        "process_control_cpu_time_per_connection", TIME, "process_control_cpu_time per connection"
    ),
    Measure("peak_memory", SIZE, "peak memory of the server; shared pages count in each process"),
    Measure("server_exit_code", COUNT, "exit code of the server after it was asked to stop"),
    Measure("utilization", COUNT, "time in service / (workers x makespan); a loop may exceed 1"),
    *(_of_group(name, TIME, meaning) for name, meaning in MEASURES_OF_STAGES.items()),
    Measure(
        "recovery_time", TIME, "time from the end of faults until later messages are fast as before"
    ),
    Measure("in_system_mean", COUNT, "mean number of messages in the system: L of Little's law"),
    Measure("waiting_mean", COUNT, "mean number of messages due and not yet in service"),
    Measure("accept_queue_max", COUNT, "most connections established and not yet accepted"),
    Measure("accept_queue_mean", COUNT, "mean number of connections established, not accepted"),
    Measure("fairness_connections", COUNT, "Jain's index of connections per worker; 1 is equal"),
    Measure("fairness_messages", COUNT, "Jain's index of messages per worker; 1 is equal"),
    Measure("idle_while_waiting", TIME, "idle worker-seconds while a sent message waited"),
    Measure("accept_queue_depth", COUNT, "largest accept queue that the probe saw in the kernel"),
    Measure("listen_overflows", COUNT, "times that a connection found the accept queue full"),
    Measure("listen_drops", COUNT, "connections that the kernel dropped at the listener"),
    Measure("retransmits", COUNT, "TCP segments that the server's side retransmitted"),
    Measure("cpu_user_per_message", TIME, "user CPU time of the server per ack, from the kernel"),
    Measure("cpu_system_per_message", TIME, "system CPU time of the server per ack"),
    Measure("context_switches_voluntary_per_message", COUNT, "waits per ack, all threads"),
    Measure("context_switches_involuntary_per_message", COUNT, "preemptions per ack, all threads"),
    Measure("processes", COUNT, "most processes of the server at one sample"),
    Measure("threads", COUNT, "most threads of the server at one sample"),
    Measure("descriptors", COUNT, "most open descriptors of the server at one sample"),
    Measure("descriptors_last", COUNT, "open descriptors of the server after the load"),
    Measure("memory_pss", SIZE, "peak memory of the server; shared pages count once (PSS)"),
    Measure("memory_per_connection", SIZE, "anonymous memory added per connection (100 or more)"),
    Measure("throttled", COUNT, "share of CPU quota periods in which the server was throttled"),
    Measure("throttled_time", TIME, "time that the CPU quota stopped the server, over all CPUs"),
    Measure("probe_cpu_share", COUNT, "CPU time of the kernel probe / wall time"),
    Measure("orchestrator_cpu_share", COUNT, "CPU time of the orchestrator under load / wall time"),
    Measure("host_delay", COUNT, "share of their time by which others delayed server and clients"),
    Measure("host_busy", COUNT, "CPU time of programs outside the lab / CPU time of its CPUs"),
    Measure("host_steal", COUNT, "CPU time taken by the hypervisor / CPU time of the lab's CPUs"),
    Measure("host_pressure", COUNT, "share of the time in which a task waited for a CPU"),
    Measure("client_bottlenecks", COUNT, "client replicas that were the bottleneck"),
    _of_group("start_spread", TIME, "time from the start of the first replica to that of the last"),
    _of_group("client_cpu_share", COUNT, "CPU time / wall time of the busiest replica"),
    _of_group("schedule_lag_p50", TIME, "median lag behind schedule, of the worst replica"),
    _of_group("schedule_lag_p99", TIME, "99th percentile of the lag, of the worst replica"),
    _of_group("schedule_lag_max", TIME, "longest lag of a replica behind its schedule"),
    _of_group("gc_pauses", COUNT, "garbage collections of the clients during the load"),
)  # fmt: skip

ABOVE_SINGLE = ("process_control_cpu_time", "process_control_cpu_time_per_connection")
"""Measures of a run beside one of ``single``; see `orchestrator.campaign.process_control`."""

REPORTED = {"schedule_lag": "each client replica reports schedule_lag_p50, _p99 and _max only"}
"""Measures of which only the registered percentiles exist, and why."""


class _Measures(dict[str, Measure]):
    """Measures by name; any percentile of a measure that has percentiles can be looked up."""

    def __missing__(self, name: str) -> Measure:
        if (made := _percentile(name)) is None:
            raise KeyError(name)
        return made


MEASURES: Mapping[str, Measure] = _Measures((measure.name, measure) for measure in _REGISTRY)
FAMILIES = tuple(name.removesuffix("_p50") for name in MEASURES if name.endswith("_p50"))
"""The measures that have percentiles: ``response_time``."""

ALIASES = {
    "p50": "response_time_p50",
    "p90": "response_time_p90",
    "p99": "response_time_p99",
    "p999": "response_time_p999",
    "utilisation": "utilization",
}
"""Short names for expectations; results use the full names. Any ``p95`` is such a name, too."""


def full_name(name: str) -> str:
    """Return ``name`` without aliases: ``slow.response_time_p99`` for ``slow.p99``."""
    group, dot, measure = name.rpartition(".")
    if share_of(measure) is not None:
        return f"{group}{dot}response_time_{measure}"
    return f"{group}{dot}{ALIASES.get(measure, measure)}"


def find_measure(name: str) -> Measure | None:
    """Return the measure that ``name`` means, with or without a group; None if there is none."""
    own_name = full_name(name).rpartition(".")[2]
    return MEASURES.get(own_name) or _percentile(own_name)


def percentile_problem(own_name: str) -> str:
    """Return what is wrong with a percentile that does not exist; empty if it is none."""
    family, statistic = split_percentile(own_name) or ("", "")
    if statistic and family in ("", *FAMILIES):
        return REPORTED.get(family) or f"{own_name} is not a percentile; {FORM}"
    is_set = is_input(family)
    if share_of(statistic) is None or not (is_set or f"{family}_mean" in MEASURES):
        return ""
    why = ", since the scenario sets it" if is_set else ""
    having = [each for each in FAMILIES if each not in REPORTED]
    return f"{family} has no percentiles{why}; these have: {', '.join(having)}"


def percentiles_in(names: Iterable[str]) -> Percentiles:
    """Return the percentiles in the full ``names`` of measures that are computed on demand."""
    found: dict[str, list[str]] = {}
    for own_name in dict.fromkeys(name.rpartition(".")[2] for name in names):
        if own_name not in MEASURES and _percentile(own_name):
            family, statistic = split_percentile(own_name) or ("", "")
            found.setdefault(family, []).append(statistic)
    return found


def _percentile(own_name: str) -> Measure | None:
    """Return the measure ``response_time_p95``, None if there is no such percentile."""
    family, statistic = split_percentile(own_name) or ("", "")
    share = share_of(statistic)
    if share is None or family not in FAMILIES or family in REPORTED:
        return None
    median = MEASURES[f"{family}_p50"]
    of_what = median.meaning.removeprefix("median ")
    meaning = f"percentile {100 * share:.6g} of the {of_what}"
    return Measure(own_name, median.dimension, meaning, is_of_group=median.is_of_group)


def is_input(name: str) -> bool:
    """Return whether the scenario sets the measure ``name``, so that no run measures it."""
    measure = find_measure(name)
    return measure is not None and measure.kind == "input"


def keyed(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return ``figures``, which are by name, by the keys of ``summary.json`` with the unit."""
    return {
        MEASURES[name].key: None if value is None else float(value)
        for name, value in figures.items()
    }


def key_of(name: str) -> str:
    """Return the key of a measure by its full name, after its group if it has one."""
    group, dot, measure = name.rpartition(".")
    return f"{group}{dot}{MEASURES[measure].key}"
